"""verdicts.json: stored runs held against frozen rules."""

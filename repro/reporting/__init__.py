"""The report: page, PDF and figures, from verdicts.json alone."""

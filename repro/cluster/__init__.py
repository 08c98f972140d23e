"""From a plan to SLURM jobs and back: runs as job arrays through submitit, followed until the report is there."""

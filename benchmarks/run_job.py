"""One training of `quality.py` in a process of its own: a job in, its outcome as JSON out.

python benchmarks/run_job.py JOB.json OUTCOME.json
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from job import Job, Outcome
from recipes import DATA_SETS


def run_job(job: Job) -> Outcome:
    """Train the system of the job."""
    if job.system == "bare" and DATA_SETS[job.data].kind == "answers":
        from quality_bare_squad import train_bare_squad

        return train_bare_squad(job)
    if job.system == "bare":
        from quality_bare import train_bare

        return train_bare(job)
    from quality_spacy import train_pipeline

    return train_pipeline(job)


def main() -> None:
    """Read the job, run it, write the outcome."""
    source, target = (Path(argument) for argument in sys.argv[1:3])
    job = Job.from_json(json.loads(source.read_text(encoding="utf8")))
    outcome = run_job(job)
    target.write_text(json.dumps(asdict(outcome)), encoding="utf8")


if __name__ == "__main__":
    main()

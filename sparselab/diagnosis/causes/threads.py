"""More threads than cores: they wait for each other."""

from __future__ import annotations

from sparselab.diagnosis.causes.base import UNDOES, Cause, Explanation, ms_shown
from sparselab.diagnosis.evidence import THIS_MACHINE, Evidence


def _judge(evidence: Evidence) -> Explanation | None:
    threads = evidence.threads
    if threads is None or threads.used <= threads.cores:
        return None
    now, then = (threads.ms.get(count, 0.0) for count in (threads.used, threads.cores))
    return Explanation(
        sentence=f"torch runs on {threads.used} threads where this process may use {threads.cores} "
        f"core{'s' * (threads.cores != 1)}: they take turns and wait for each other at the end of every operation.",
        lines=tuple(f"one pass on {count} threads: {ms_shown(ms)}" for count, ms in sorted(threads.ms.items())),
        gain=max(now / then, 1.0) if then else None,
        cure=f"torch.set_num_threads({threads.cores}), or OMP_NUM_THREADS={threads.cores} before Python starts.",
        trial="threads",
        basis="measured",
    )


CAUSE = Cause(title="More threads than cores", judge=_judge, rank=UNDOES, targets=(THIS_MACHINE,))

"""One log of what vendors told us: verify, store once, answer, act in a job, replay."""

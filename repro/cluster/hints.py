"""Hints: what a user can do about jobs that wait, by the scheduler's reason."""

ACCOUNT = "name an account of `sacctmgr show associations user=$USER` in the profile"
QOS = "name one of `sacctmgr show qos` as qos in the profile"
TIME = "lower time in the profile to what `sinfo -o '%P %l'` allows"
LIMIT = (
    "wait for jobs of yours to end, select fewer runs with -k, or set array_size in the profile well below the number "
    "of jobs that you may have, and submit with --if-refused keep"
)
HELD = {
    "JobHoldMaxRequeue": "scontrol release JOB releases them, repro cancel cancels them",
    "JobHeldUser": "scontrol release JOB releases them, repro cancel cancels them",
    "JobHeldAdmin": "an administrator holds them: ask your cluster's administrators, or repro cancel",
}
# Reasons that waiting does not resolve.
NEVER = {
    "PartitionTimeLimit": TIME,
    "PartitionNodeLimit": "ask for less in the profile, or name another partition",
    "PartitionConfig": "name another partition in the profile, or ask for what this one has: scontrol show partition",
    "BadConstraints": "ask for what the nodes have: sinfo -N -o '%N %c %m %G %f'",
    "DependencyNeverSatisfied": "repro cancel, then repro submit",
    "InvalidAccount": ACCOUNT,
    "InvalidQOS": QOS,
    "AccountNotAllowed": "name another account or partition in the profile",
    "QOSNotAllowed": "name another qos or partition in the profile",
    **dict.fromkeys(
        ("QOSMinGRES", "QOSMinCpuNotSatisfied", "QOSMinMemory"), "ask for as much as the qos wants, or name another"
    ),
    **dict.fromkeys(("QOSMaxWallDurationPerJobLimit", "AssocMaxWallDurationPerJobLimit"), "lower time in the profile"),
    **dict.fromkeys(
        (f"QOSMax{what}PerJobLimit" for what in ("Cpu", "GRES", "Memory", "Node")),
        "ask for less in the profile, or name another qos",
    ),
}


def hint(reason: str) -> str:
    """What to do about a job that waits for a reason; "" if it only has to wait."""
    word = reason.strip("()").split(",")[0].split(" ")[0]
    if word in HELD:
        return HELD[word]
    if "held" in reason.lower():
        return HELD["JobHeldUser"]
    if can_never_start(reason):
        return f"they can never start: {NEVER[word]}, then repro cancel and repro submit"
    return ""


def can_never_start(reason: str) -> bool:
    """Whether waiting is pointless."""
    return reason.strip("()").split(",")[0].split(" ")[0] in NEVER

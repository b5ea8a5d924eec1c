"""Where a ledger lies: SQLite's write-ahead log needs a disk of this machine."""

from pathlib import Path

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "9p", "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "davfs"}
)


def on_network(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether `path` lies on network storage, as far as the system says so (Linux's mounts, Windows' share names)."""
    whole = path.resolve()
    if str(whole).startswith("\\\\"):
        return True
    kind, longest = "", -1
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    for fields in (line.split() for line in lines):
        point = Path(fields[1].replace("\\040", " "))
        if len(point.parts) > longest and whole.is_relative_to(point):
            kind, longest = fields[2], len(point.parts)
    return kind in NETWORK or kind.startswith(("fuse.sshfs", "fuse.rclone", "fuse.s3", "fuse.gcs", "fuse.glusterfs"))

"""The sandbox `process`: full Python behind the kernel's walls, in Linux.

    kind ── pool ── cell       a sandbox: made by recipe, seccomp, syscalls, cgroup, spawner
      └─ session ── step ┘     code at work in it: what is sent (wire), printed, watched
                └─ runner      what runs inside, and shares its process with the code

Three layers hold, each without the others: namespaces in which there is nothing of the host but a
read-only Python (bubblewrap); an allow-list of system calls; a user that owns nothing. Control
groups limit what all of it uses together. What comes out is JSON in frames, checked like any
stranger's.
"""

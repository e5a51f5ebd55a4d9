//! Shuts the current process in: no files, no sockets, no children, bounded memory.
//!
//! Two fences that do not rely on each other: resource limits, and a seccomp filter that ends the
//! process at the first system call that a decoder has no reason to make. Without `open`, `socket`
//! and `clone` there is nothing to write to but the pipe it was given.
//! Linux only; elsewhere [`enter`] fails, and so does the worker: closed, not open.

use std::io;

/// Enters the sandbox; there is no way back out.
#[cfg(target_os = "linux")]
pub(crate) fn enter(memory_bytes_max: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let both = |v| Rlimit {
        current: Some(v),
        maximum: Some(v),
    };
    setrlimit(Resource::As, both(memory_bytes_max))?;
    setrlimit(Resource::Fsize, both(0))?;
    setrlimit(Resource::Nofile, both(3))?;
    setrlimit(Resource::Core, both(0))?;
    // Root is exempt from this one; the filter below is not.
    setrlimit(Resource::Nproc, both(0))?;
    filter().map_err(io::Error::other)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn enter(_memory_bytes_max: u64) -> io::Result<()> {
    Err(io::Error::other(
        "decoding hostile files needs Linux (seccomp)",
    ))
}

#[cfg(target_os = "linux")]
fn filter() -> Result<(), String> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

    /// What reading a pipe, allocating, and leaving need.
    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_mmap,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let arch = std::env::consts::ARCH
        .try_into()
        .map_err(|e| format!("{e}"))?;
    let rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        arch,
    )
    .map_err(|e| e.to_string())?;
    let program: BpfProgram = filter
        .try_into()
        .map_err(|e: seccompiler::BackendError| e.to_string())?;
    seccompiler::apply_filter(&program).map_err(|e| e.to_string())
}

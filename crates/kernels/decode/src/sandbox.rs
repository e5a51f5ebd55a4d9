//! Sandboxes the current process: no files, no sockets, no children, bounded memory.
//!
//! [`enter`] is for our own decoders. It has two fences that do not rely on each other: resource
//! limits, and a seccomp filter that ends the process at the first system call that a decoder has
//! no reason to make. Without `open`, `socket` and `clone` there is nothing to write to but the
//! parent's socket and the shared memory.
//!
//! [`enter_for`] is for a third-party program (ffmpeg) that is started next and must load its
//! libraries. It has three fences: resource limits; a list of allowed system calls, with which it
//! can start threads, but neither start processes nor create sockets; and Landlock, under which it
//! can read the video and the system's libraries and write nothing. On kernels without Landlock
//! only the first two apply. The resource limits then keep it from writing to files, but only
//! ffmpeg's command line keeps it from reading, creating or truncating them.
//!
//! Linux only; elsewhere both fail, so the workers fail closed.

use std::io;

/// Closes every descriptor but the first three. A library of the parent, or the program that
/// started it, may have opened some without close-on-exec. Call it first, before anything is opened here.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub(crate) fn close_inherited() -> io::Result<()> {
    // SAFETY: nothing of this process owns a descriptor above 2 yet, and the call touches no memory.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    match closed {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn close_inherited() -> io::Result<()> {
    // `enter` refuses right afterwards.
    Ok(())
}

/// Enters the sandbox; it can't be left.
#[cfg(target_os = "linux")]
pub(crate) fn enter(memory_bytes_max: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let both = |v| Rlimit {
        current: Some(v),
        maximum: Some(v),
    };
    // Soft and hard alike: the process cannot raise it again.
    setrlimit(Resource::As, both(memory_bytes_max))?;
    // Files only: it does not limit sockets or mapped memory.
    setrlimit(Resource::Fsize, both(0))?;
    // Bounds new descriptors; those already open above it stay open.
    setrlimit(Resource::Nofile, both(3))?;
    // A core dump would write the picture to disk. The limit doesn't apply where the kernel pipes
    // dumps to a program; a process that isn't dumpable has none there either.
    setrlimit(Resource::Core, both(0))?;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    // Root is exempt from this limit, but not from the filter below.
    setrlimit(Resource::Nproc, both(0))?;
    // Last: the filter allows no call that could set a limit.
    filter().map_err(io::Error::other)
}

/// Enters the sandbox for a program that is started next.
#[cfg(target_os = "linux")]
pub(crate) fn enter_for(
    program: &std::path::Path,
    memory_bytes_max: u64,
    cpu_seconds_max: u64,
) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let both = |v| Rlimit {
        current: Some(v),
        maximum: Some(v),
    };
    setrlimit(Resource::As, both(memory_bytes_max))?;
    setrlimit(Resource::Fsize, both(0))?;
    // Room for the libraries while they load. Our judgement.
    setrlimit(Resource::Nofile, both(64))?;
    // One byte, not none: exec makes a process dumpable again, and this is the only limit that also
    // keeps the kernel from piping its memory to a program (core(5)).
    let core_bytes_max = getrlimit(Resource::Core).maximum.unwrap_or(1).min(1);
    setrlimit(Resource::Core, both(core_bytes_max))?;
    if cpu_seconds_max > 0 {
        // The soft limit sends SIGXCPU, so running out of time is not mistaken for a kill from
        // outside. The hard limit kills five seconds later. Our judgement.
        let limit = Rlimit {
            current: Some(cpu_seconds_max),
            maximum: Some(cpu_seconds_max + 5),
        };
        setrlimit(Resource::Cpu, limit)?;
    }
    // Before the filter, which does not allow Landlock's own calls.
    libraries_only(program).map_err(io::Error::other)?;
    program_filter().map_err(io::Error::other)
}

/// Folders of libraries, and the file that the loader finds them with.
#[cfg(target_os = "linux")]
const LIBRARIES: [&str; 6] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
];

#[cfg(target_os = "linux")]
fn libraries_only(program: &std::path::Path) -> Result<(), landlock::RulesetError> {
    use landlock::{
        ABI, Access as _, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _,
    };
    use rustix::fs::FileType;
    use std::os::fd::AsFd as _;

    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V3))?
        .create()?;
    let load = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute;
    for path in LIBRARIES
        .map(std::path::Path::new)
        .into_iter()
        .chain([program])
    {
        // What isn't there needs no rule.
        if let Ok(file) = PathFd::new(path) {
            let access = if path.is_dir() {
                load
            } else {
                // For a file, the kernel refuses a rule that grants rights of folders.
                load & AccessFs::from_file(ABI::V3)
            };
            rules = rules.add_rule(PathBeneath::new(file, access))?;
        }
    }
    // Anonymous memory needs no rule, and could not have one.
    let stdin = io::stdin();
    let is_file = rustix::fs::fstat(stdin.as_fd()).is_ok_and(|s| {
        s.st_nlink > 0 && FileType::from_raw_mode(s.st_mode) == FileType::RegularFile
    });
    if is_file {
        rules = rules.add_rule(PathBeneath::new(stdin.as_fd(), AccessFs::ReadFile))?;
    }
    // Best effort: on a kernel without Landlock this succeeds and restricts nothing.
    rules.restrict_self()?;
    Ok(())
}

/// Allows what loading libraries, reading files and running threads need. Every other call fails
/// with ENOSYS ("no such call") and has no effect, so libraries fall back or fail.
#[cfg(target_os = "linux")]
// Long: one line per system call.
fn program_filter() -> Result<(), String> {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };

    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_pread64,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        // With Landlock only the video, the libraries and the program can be opened; without it,
        // any file can.
        libc::SYS_openat,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_lseek,
        libc::SYS_fcntl,
        libc::SYS_dup,
        libc::SYS_faccessat,
        libc::SYS_readlinkat,
        libc::SYS_getdents64,
        libc::SYS_getcwd,
        libc::SYS_mmap,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrusage,
        libc::SYS_sysinfo,
        libc::SYS_uname,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_sched_setaffinity,
        libc::SYS_get_mempolicy,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_set_tid_address,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        // Harmless here: no option of `prctl` removes a seccomp filter.
        libc::SYS_prctl,
        libc::SYS_ppoll,
        libc::SYS_pselect6,
        libc::SYS_membarrier,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
        // The filter is in force when this process becomes ffmpeg.
        libc::SYS_execve,
    ];
    #[cfg(target_arch = "x86_64")]
    const OLDER: &[libc::c_long] = &[
        libc::SYS_open,
        libc::SYS_stat,
        libc::SYS_lstat,
        libc::SYS_access,
        libc::SYS_readlink,
        libc::SYS_poll,
        libc::SYS_select,
        libc::SYS_arch_prctl,
        libc::SYS_time,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const OLDER: &[libc::c_long] = &[];
    let mut rules: std::collections::BTreeMap<_, Vec<SeccompRule>> = ALLOWED
        .iter()
        .chain(OLDER)
        .map(|call| (*call, Vec::new()))
        .collect();
    // Threads, but no new process.
    let thread = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64),
        libc::CLONE_THREAD as u64,
    )
    .and_then(|condition| SeccompRule::new(vec![condition]))
    .map_err(|e| e.to_string())?;
    // `clone3` is not on the list: a filter cannot read its flags. glibc falls back to `clone`.
    rules.insert(libc::SYS_clone, vec![thread]);
    // Signals only to its own threads: `abort` sends one.
    let own = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        u64::from(std::process::id()),
    )
    .and_then(|condition| SeccompRule::new(vec![condition]))
    .map_err(|e| e.to_string())?;
    // exec keeps the process id, so the current id is also the program's.
    rules.insert(libc::SYS_tgkill, vec![own]);
    // Limits may be read, not set: the third argument, the new limit, must be null.
    let reads = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(|e| e.to_string())?;
    rules.insert(libc::SYS_prlimit64, vec![reads]);
    // Only `isatty` (TCGETS); every other ioctl is refused.
    let terminal =
        SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, libc::TCGETS)
            .and_then(|condition| SeccompRule::new(vec![condition]))
            .map_err(|e| e.to_string())?;
    rules.insert(libc::SYS_ioctl, vec![terminal]);
    // The numbers of system calls differ by architecture; a call made for another architecture
    // kills the process.
    let arch = std::env::consts::ARCH
        .try_into()
        .map_err(|e| format!("{e}"))?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::ENOSYS as u32),
        SeccompAction::Allow,
        arch,
    )
    .map_err(|e| e.to_string())?;
    let program: BpfProgram = filter
        .try_into()
        .map_err(|e: seccompiler::BackendError| e.to_string())?;
    seccompiler::apply_filter(&program).map_err(|e| e.to_string())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn enter_for(_: &std::path::Path, _: u64, _: u64) -> io::Result<()> {
    Err(io::Error::other(
        "decoding hostile files needs Linux (seccomp)",
    ))
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

    /// What talking over a socket, allocating and exiting need.
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

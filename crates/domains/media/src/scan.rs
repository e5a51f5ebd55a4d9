//! Expands files and folders into a stream of files in a deterministic order, whatever the folders
//! contain.

use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Deepest nesting of folders that is followed. Our judgement.
const DEPTH_MAX: usize = 256;

/// A file that was found.
pub struct FoundFile {
    /// A path as it was given, or a path below a folder that was given.
    pub path: PathBuf,
}

/// A path that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScanProblem {
    /// The path.
    pub path: PathBuf,
    /// Why it could not be read.
    pub what: String,
    /// True for a symbolic link skipped on purpose: reported, but not a failure.
    pub is_link: bool,
}

/// Walks files and folders. A link given in `paths` is followed. One inside a folder is not, so
/// that an upload can't lead out of its folder; it is reported as a problem. Anything that is
/// neither file nor folder (a pipe, a device) is a problem too: reading it could block forever.
pub fn scan(paths: &[PathBuf]) -> impl Iterator<Item = Result<FoundFile, ScanProblem>> + Send {
    let roots = paths.to_vec();
    roots.into_iter().flat_map(|root| {
        WalkDir::new(&root)
            .follow_links(false)
            .max_depth(DEPTH_MAX)
            .sort_by_file_name()
            .into_iter()
            .filter_map(move |entry| match entry {
                // WalkDir stops at its depth limit silently; what it leaves out must be reported.
                Ok(entry) if entry.file_type().is_dir() && entry.depth() == DEPTH_MAX => {
                    Some(Err(ScanProblem {
                        path: entry.into_path(),
                        what: format!("nested deeper than {DEPTH_MAX} folders"),
                        is_link: false,
                    }))
                }
                Ok(entry) if entry.file_type().is_dir() => None,
                Ok(entry) if entry.path_is_symlink() && entry.depth() > 0 => {
                    Some(Err(ScanProblem {
                        path: entry.into_path(),
                        what: "a symbolic link; it is not followed unless it is named itself"
                            .into(),
                        is_link: true,
                    }))
                }
                // Depth 0: the user named the link. `metadata` follows it, `file_type` does not.
                Ok(entry) if entry.path_is_symlink() => Some(match entry.path().metadata() {
                    Ok(target) if target.is_file() => Ok(FoundFile {
                        path: entry.into_path(),
                    }),
                    // walkdir follows it; its files come next.
                    Ok(target) if target.is_dir() => return None,
                    Ok(_) => Err(ScanProblem {
                        path: entry.into_path(),
                        what: "neither a file nor a folder".into(),
                        is_link: false,
                    }),
                    Err(e) => Err(ScanProblem {
                        path: entry.into_path(),
                        what: reason_of_a_named(&e),
                        is_link: false,
                    }),
                }),
                Ok(entry) if entry.file_type().is_file() => Some(Ok(FoundFile {
                    path: entry.into_path(),
                })),
                Ok(entry) => Some(Err(ScanProblem {
                    path: entry.into_path(),
                    what: "neither a file nor a folder".into(),
                    is_link: false,
                })),
                Err(e) => Some(Err(problem(&root, &e))),
            })
    })
}

fn problem(root: &Path, e: &walkdir::Error) -> ScanProblem {
    // Some errors of walkdir carry no path; the root is the closest one known.
    let path = e.path().unwrap_or(root).to_owned();
    let what = if e.loop_ancestor().is_some() {
        "a link that leads back to a folder above it".into()
    } else {
        e.io_error().map_or_else(
            || "can't be read".into(),
            if e.depth() == 0 {
                reason_of_a_named
            } else {
                io_reason
            },
        )
    };
    ScanProblem {
        path,
        what,
        is_link: false,
    }
}

/// Why a path that the user named can't be read.
fn reason_of_a_named(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        _ => io_reason(e),
    }
}

/// Why a file that was found can't be read.
pub(crate) fn io_reason(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "it vanished during the run".into(),
        io::ErrorKind::PermissionDenied => "no permission to read it".into(),
        _ => e.to_string(),
    }
}

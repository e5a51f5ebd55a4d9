//! Where the data are, who acts, and how a decoder is started.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use obhut_app::casework::{self, Act, Casework, DataFolder, Granted, Person, Role, SystemClock};
use obhut_app::media::{Limits, Pool, VideoTools, WorkerCommand};

use crate::args::Args;
use crate::hints::{FAILED, exit_code};
use crate::output::Output;
use crate::whole_file;

pub struct AppContext {
    data: Option<PathBuf>,
    database: Option<String>,
    /// One for each successful call of [`AppContext::acting`], even if no role had to be granted.
    grants: Mutex<Vec<Grant>>,
    /// The data folder, if this command made it.
    made: Mutex<Option<PathBuf>>,
    /// The data folder that this command opened last.
    opened: Mutex<Option<Arc<Casework>>>,
}

struct Grant {
    person: Person,
    role: Role,
    granted: Granted,
}

impl AppContext {
    pub fn new(args: &Args) -> anyhow::Result<Self> {
        let context = Self {
            data: args.data.clone(),
            database: args.database.clone(),
            grants: Mutex::default(),
            made: Mutex::default(),
            opened: Mutex::default(),
        };
        if let Ok(folder) = context.folder() {
            whole_file::protect(std::path::absolute(folder)?);
        }
        Ok(context)
    }

    /// Of a data folder that this command made, with its own database.
    pub fn at(data: PathBuf) -> Self {
        Self {
            data: Some(data),
            database: None,
            grants: Mutex::default(),
            made: Mutex::default(),
            opened: Mutex::default(),
        }
    }

    /// True if a database was named or the data folder exists, whether or not it holds any record.
    pub fn has_data(&self) -> bool {
        self.database.is_some() || self.folder().is_ok_and(|f| f.exists())
    }

    /// The address of the database, if one was named.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Like [`AppContext::casework`], for a command that has nothing to do in a new data folder.
    pub async fn existing(&self) -> anyhow::Result<Arc<Casework>> {
        let folder = self.folder()?;
        anyhow::ensure!(
            folder.exists(),
            "{}: no data folder is there",
            folder.display()
        );
        self.casework().await
    }

    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        folder_or_default(self.data.clone())
    }

    pub async fn casework(&self) -> anyhow::Result<Arc<Casework>> {
        let folder = self.folder()?;
        // Relative paths would mean another folder after a change of directory.
        let folder = std::path::absolute(folder)?;
        let is_new = !folder.exists();
        let casework = obhut_app::open(
            DataFolder::new(folder.clone()),
            self.database.as_deref(),
            Arc::new(SystemClock),
        )
        .await;
        // Even if the database could not be opened.
        if is_new && folder.exists() {
            *self.made.lock().expect("lock poisoned") = Some(folder);
        }
        let casework = Arc::new(casework?);
        *self.opened.lock().expect("lock poisoned") = Some(casework.clone());
        Ok(casework)
    }

    /// The data folder as it is, for comparing it: nothing is written.
    pub async fn as_it_is(&self) -> anyhow::Result<Casework> {
        let folder = std::path::absolute(self.folder()?)?;
        self.as_it_is_in(&folder, self.database.as_deref()).await
    }

    /// The same of another folder, such as a backup.
    pub async fn as_it_is_in(
        &self,
        folder: &std::path::Path,
        database: Option<&str>,
    ) -> anyhow::Result<Casework> {
        let clock = Arc::new(SystemClock);
        Ok(obhut_app::open_to_verify(DataFolder::new(folder), database, clock).await?)
    }

    /// The person of that name (without one, [`shell_user`]), authorised for an action. Shell
    /// access already means access to the data and the right to grant roles, so an unknown person
    /// is added and a missing role is granted. The grant is audited, and at the end of the command
    /// it is announced, or taken back if the command was refused: see [`AppContext::conclude`].
    ///
    /// # Errors
    /// Denied for a removed person, and for one from whom the role was withdrawn.
    pub async fn acting(
        &self,
        casework: &Casework,
        name: Option<&str>,
        act: Act,
    ) -> anyhow::Result<Person> {
        let fallback = shell_user();
        let name = name.unwrap_or(&fallback);
        let (person, granted) = casework::person_at_the_shell(casework, name, act).await?;
        self.grants.lock().expect("lock poisoned").push(Grant {
            person: person.clone(),
            role: act.gate().roles[0],
            granted,
        });
        Ok(person)
    }

    /// Announces a new data folder, because its name may be a typing error, and the roles that were
    /// granted, or takes them back if the command was refused: a refused act needs no role.
    pub async fn conclude(&self, refusal: Option<&anyhow::Error>, output: &Output) {
        if let Some(folder) = self.made.lock().expect("lock poisoned").take() {
            output.remark(&format!(
                "note: a new data folder was made: {}",
                folder.display()
            ));
        }
        // A command can exit with code 1 after its act is on record, for example because of a full
        // disk; the role that allowed the act must then stay.
        let refused = refusal.is_some_and(|e| exit_code(e) != FAILED);
        let grants = std::mem::take(&mut *self.grants.lock().expect("lock poisoned"));
        let given = grants.iter().any(|g| g.granted != Granted::Nothing);
        // Opened again only to take a role back; most commands have granted none.
        let casework = match refused && given {
            true => self.casework().await.ok(),
            false => None,
        };
        // In reverse: a person may have been added with one role and then given another.
        for g in grants.into_iter().rev() {
            let how = match g.granted {
                Granted::Nothing => continue,
                Granted::Role => "given",
                Granted::Added => "added with",
            };
            if let Some(casework) = &casework {
                let undone = casework::take_back_grant(casework, &g.person, g.role, g.granted);
                // A grant that could not be taken back is announced like any other.
                if undone.await.is_ok() {
                    continue;
                }
            }
            output.remark(&format!(
                "note: {} was {how} the role {} (see `obhut person list`)",
                g.person.name, g.role,
            ));
        }
        let opened = self.opened.lock().expect("lock poisoned").take();
        if let Some(casework) = opened
            && let Err(e) = casework::seal_rows(&casework).await
        {
            // The command itself is done and on record; the next one tries again.
            output.remark(&format!(
                "warning: what was recorded could not be put into the vault's log: {e}; run `obhut verify`"
            ));
        }
    }
}

/// Decoders are this same binary.
pub fn pool() -> anyhow::Result<Arc<Pool>> {
    let program = std::env::current_exe()
        .context("this program can't find itself, so it can't start decoders")?;
    let pool = Pool::new(WorkerCommand { program }, Limits::default());
    Ok(Arc::new(pool.with_video(video_tools())))
}

/// The paths of ffmpeg and ffprobe; `None` unless both are on the search path.
pub fn video_tools() -> Option<VideoTools> {
    let path = std::env::var_os("PATH")?;
    let find = |name: &str| {
        // Absolute entries only: with a relative one, a program among the uploads could be started.
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    };
    Some(VideoTools {
        ffmpeg: find("ffmpeg")?,
        ffprobe: find("ffprobe")?,
    })
}

/// The actor recorded for a command without a name: the environment variable `USER`, which the
/// user can set freely, or else "command line". A label, not an authentication.
pub fn shell_user() -> String {
    std::env::var("USER")
        .ok()
        .filter(|u| !u.is_empty())
        .unwrap_or_else(|| "command line".into())
}

/// The data folder that was named, or the platform's.
pub fn folder_or_default(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match named {
        Some(folder) => Ok(folder),
        None => Ok(dirs::data_dir()
            .context("this system has no default data folder; name one with --data DIR")?
            .join("obhut")),
    }
}

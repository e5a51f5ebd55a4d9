//! What an index holds, in one file that is replaced atomically. Until it exists there is no index.
//! Folders and tables that it doesn't name, and rows that it doesn't count, aren't part of the
//! index.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::address::unhex;
use crate::files::{Hash, hash_of_text, hash_text};
use crate::{Fault, Network, Secret};

/// Version of the files. An index of another version must be rebuilt, except one of
/// [`VERSION_WITHOUT_RULES`] while today's rules are its rules.
const VERSION: u64 = 6;
/// The version before, whose manifest does not name its rule set.
const VERSION_WITHOUT_RULES: u64 = 5;
/// Digest of the rule set that all indexes of version 5 were built with.
pub(crate) const RULES_OF_VERSION_5: &str =
    "767dc8983a333e75f40b2a752ee25b77e3ce18804b0d3af3f353b7728fbf24ec";
const NAME: &str = "manifest";

/// How many rows of each column belong to the index; later rows in the files don't.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Counts {
    pub blocks: u64,
    pub txs: u64,
    pub ins: u64,
    pub outs: u64,
    pub addresses: u64,
    pub key_bytes: u64,
}

/// The sorted tables that one compaction wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    pub number: u64,
    /// Rows of its tables.
    pub addresses: u64,
    pub txs: u64,
}

impl Run {
    /// File name of its table.
    pub fn file(&self, name: &str) -> String {
        format!("{name}-{}", self.number)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Manifest {
    /// Digest of the rule set the index was built with.
    pub rules: String,
    pub network: Network,
    /// Folder of the block files when the index was built.
    pub blocks_folder: PathBuf,
    pub secret: Secret,
    /// Name of the folder with the columns.
    pub folder: String,
    pub tip: Hash,
    pub counts: Counts,
    /// Rows of the build's own sorted tables: addresses, transactions.
    pub tables: (u64, u64),
    /// Blocks and addresses in the base, whose forward references are in the columns. These blocks
    /// can't be removed by a reorg.
    pub deep: (u64, u64),
    /// Number of blocks that an unfinished compaction will leave in the base; 0 if there is none.
    pub folding: u64,
    /// Tables of compactions; the build's own are not among them.
    pub runs: Vec<Run>,
    /// Blocks and addresses in the base of the strong forest, and of the weak one.
    pub strong: (u64, u64),
    pub weak: (u64, u64),
    /// Unions recorded in the bases of the strong and the weak forest.
    pub links: (u64, u64),
    /// Unions that the guard refused in the weak base.
    pub refused: u64,
}

impl Manifest {
    pub fn columns(&self, index: &Path) -> PathBuf {
        index.join(&self.folder)
    }

    pub fn read(index: &Path) -> Result<Self, Fault> {
        let path = index.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Fault::NoIndex {
                    folder: index.to_owned(),
                    begun: index.join(BUILDING).exists(),
                });
            }
            Err(e) => return Err(Fault::io(&path)(e)),
        };
        Self::parse(&text).map_err(|why| Fault::BadIndex {
            folder: index.to_owned(),
            why: format!("{why}; delete the folder and build the index again"),
        })
    }

    pub fn write(&self, index: &Path) -> Result<(), Fault> {
        let (path, new) = (index.join(NAME), index.join("manifest.new"));
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(self.text().as_bytes())?;
            // Before the rename, or a power cut could leave the name on bytes never written.
            file.sync_all()?;
            fs::rename(&new, &path)?;
            // A rename lasts only once its folder is synced.
            File::open(index)?.sync_all()
        };
        write().map_err(Fault::io(&path))
    }

    pub(crate) fn text(&self) -> String {
        let c = &self.counts;
        let secret: String = self.secret.iter().map(|w| format!("{w:016x}")).collect();
        let runs = self.runs.iter();
        let runs: Vec<String> = runs
            .map(|r| format!("{},{},{}", r.number, r.addresses, r.txs))
            .collect();
        let mut text = String::new();
        let folder = self.blocks_folder.to_string_lossy();
        for (name, value) in [
            ("version", VERSION.to_string()),
            ("rules", self.rules.clone()),
            ("network", self.network.name().to_owned()),
            // A line break would end the field; the path can be set again when the index is opened.
            ("blocks-folder", folder.replace('\n', "?")),
            ("secret", secret),
            ("folder", self.folder.clone()),
            ("tip", hash_text(&self.tip)),
            ("blocks", c.blocks.to_string()),
            ("transactions", c.txs.to_string()),
            ("inputs", c.ins.to_string()),
            ("outputs", c.outs.to_string()),
            ("addresses", c.addresses.to_string()),
            ("key-bytes", c.key_bytes.to_string()),
            ("table-addresses", self.tables.0.to_string()),
            ("table-transactions", self.tables.1.to_string()),
            ("deep-blocks", self.deep.0.to_string()),
            ("deep-addresses", self.deep.1.to_string()),
            ("folding", self.folding.to_string()),
            ("runs", runs.join(" ")),
            ("strong-blocks", self.strong.0.to_string()),
            ("strong-addresses", self.strong.1.to_string()),
            ("weak-blocks", self.weak.0.to_string()),
            ("weak-addresses", self.weak.1.to_string()),
            ("strong-links", self.links.0.to_string()),
            ("weak-links", self.links.1.to_string()),
            ("refused", self.refused.to_string()),
        ] {
            text += &format!("{name} {value}\n");
        }
        let sum = hash_text(&Sha256::digest(&text).into());
        text + "sum " + &sum + "\n"
    }

    // Long: one line per field of the manifest.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let damaged = || "its manifest is damaged".to_owned();
        // The last one: the path of the block files may contain "sum " too.
        let (body, sum) = text.rsplit_once("sum ").ok_or_else(damaged)?;
        let mut fields = body.lines().filter_map(|l| l.split_once(' '));
        let mut next = |name: &str| {
            let field = fields.next().filter(|f| f.0 == name);
            field.map(|f| f.1).ok_or_else(damaged)
        };
        let version = next("version")?;
        let without_rules = version == VERSION_WITHOUT_RULES.to_string();
        // Before the checksum, so that another version is reported as such and not as damage.
        if version != VERSION.to_string() && !without_rules {
            return Err(format!(
                "it was built by another version (its format is {version}, this version's {VERSION})"
            ));
        }
        if sum.trim() != hash_text(&Sha256::digest(body).into()) {
            return Err(damaged());
        }
        // Version 5 stays readable for as long as today's rules are its rules.
        let rules = if without_rules {
            RULES_OF_VERSION_5
        } else {
            next("rules")?
        };
        let network = Network::by_name(next("network")?).ok_or_else(damaged)?;
        let blocks_folder = PathBuf::from(next("blocks-folder")?);
        let bytes = unhex(next("secret")?).filter(|b| b.len() == 32);
        let bytes = bytes.ok_or_else(damaged)?;
        let word = |n: usize| {
            u64::from_be_bytes(bytes[n * 8..n * 8 + 8].try_into().expect("8-byte slice"))
        };
        let secret = [word(0), word(1), word(2), word(3)];
        let folder = next("folder")?.to_owned();
        let tip = hash_of_text(next("tip")?).ok_or_else(damaged)?;
        let run = |text: &str| {
            let mut numbers = text.split(',').map(str::parse::<u64>);
            let mut number = || numbers.next()?.ok();
            Some(Run {
                number: number()?,
                addresses: number()?,
                txs: number()?,
            })
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| damaged());
        Ok(Self {
            rules: rules.to_owned(),
            network,
            blocks_folder,
            secret,
            folder,
            tip,
            counts: Counts {
                blocks: number(next("blocks")?)?,
                txs: number(next("transactions")?)?,
                ins: number(next("inputs")?)?,
                outs: number(next("outputs")?)?,
                addresses: number(next("addresses")?)?,
                key_bytes: number(next("key-bytes")?)?,
            },
            tables: (
                number(next("table-addresses")?)?,
                number(next("table-transactions")?)?,
            ),
            deep: (
                number(next("deep-blocks")?)?,
                number(next("deep-addresses")?)?,
            ),
            folding: number(next("folding")?)?,
            runs: next("runs")?
                .split_whitespace()
                .map(|r| run(r).ok_or_else(damaged))
                .collect::<Result<_, _>>()?,
            strong: (
                number(next("strong-blocks")?)?,
                number(next("strong-addresses")?)?,
            ),
            weak: (
                number(next("weak-blocks")?)?,
                number(next("weak-addresses")?)?,
            ),
            links: (number(next("strong-links")?)?, number(next("weak-links")?)?),
            refused: number(next("refused")?)?,
        })
    }
}

/// Name of the folder of a build under way.
pub(crate) const BUILDING: &str = "building";

/// The lock of an index; many may read, one may write.
pub(crate) struct Lock(#[allow(dead_code)] File);

impl Lock {
    pub fn shared(index: &Path) -> Result<Self, Fault> {
        Self::take(index, |f| f.try_lock_shared())
    }

    pub fn alone(index: &Path) -> Result<Self, Fault> {
        Self::take(index, |f| f.try_lock())
    }

    fn take(
        index: &Path,
        lock: impl Fn(&File) -> Result<(), fs::TryLockError>,
    ) -> Result<Self, Fault> {
        let path = index.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Fault::io(&path))?;
        // Never waits: `Fault::Busy` leaves the decision to the user.
        match lock(&file) {
            // The system releases it with the file, also after a crash: no stale lock is left.
            Ok(()) => Ok(Self(file)),
            Err(fs::TryLockError::WouldBlock) => Err(Fault::Busy {
                folder: index.to_owned(),
            }),
            Err(fs::TryLockError::Error(e)) => Err(Fault::io(&path)(e)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Manifest {
        Manifest {
            rules: "f".repeat(64),
            network: Network::Signet,
            blocks_folder: "/blocks of a node".into(),
            secret: [1, u64::MAX, 3, 4],
            folder: "columns-1".into(),
            tip: [7; 32],
            counts: Counts {
                blocks: 1,
                txs: 2,
                ins: 3,
                outs: 4,
                addresses: 5,
                key_bytes: 6,
            },
            tables: (7, 8),
            deep: (16, 17),
            folding: 18,
            runs: vec![Run {
                number: 19,
                addresses: 20,
                txs: 21,
            }],
            strong: (9, 10),
            weak: (11, 12),
            links: (14, 15),
            refused: 13,
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_or_not_at_all() {
        let manifest = example();
        let text = manifest.text();
        assert_eq!(Manifest::parse(&text), Ok(manifest));
        // Only the last line break may be missing.
        for n in 0..text.len() - 1 {
            assert!(Manifest::parse(&text[..n]).is_err(), "{n}");
        }
        assert!(Manifest::parse(&text.replace("inputs 3", "inputs 4")).is_err());
        let other = text.replace(&format!("version {VERSION}"), "version 0");
        assert!(
            Manifest::parse(&other)
                .unwrap_err()
                .contains("another version")
        );
    }
}

//! The log's files as C2SP tlog-tiles serves them to those who check it themselves.

use tlog_tiles::Tile;

use super::Vault;
use crate::VaultError;
use crate::log::{CHECKPOINT, PUBLIC_KEY, TILE_HEIGHT, TILE_WIDTH, bundle_path, tile_path};

/// Length of a hash in a tile, in bytes: SHA-256.
const HASH_BYTES: usize = 32;

impl Vault {
    /// A file of the log by its path below `log/`: `checkpoint`, `key`, or a tile. `None` if there is
    /// none of that name, or the log hasn't grown so far. A partial tile of an earlier size is cut from
    /// the one that has replaced it, so that a reader of an earlier checkpoint finds what it names.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn log_file(&self, path: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let whole = format!("log/{path}");
        if whole == CHECKPOINT || whole == PUBLIC_KEY {
            return Ok(Some(self.log.read(&whole).await?));
        }
        let Some(wanted) = Wanted::from_path(path) else {
            return Ok(None);
        };
        // Held while reading: an append deletes the partial tiles of the size that is read here.
        let guard = self.hold().await?;
        let size = self.log.head().await?.size;
        let count = size >> (TILE_HEIGHT * wanted.level.unwrap_or(0));
        let width = count
            .saturating_sub(wanted.index.saturating_mul(TILE_WIDTH))
            .min(TILE_WIDTH);
        if width < wanted.width {
            return Ok(None);
        }
        let bytes = self.log.read(&wanted.path(width)).await?;
        drop(guard);
        Ok(match wanted.level {
            Some(_) => bytes
                .get(..wanted.width as usize * HASH_BYTES)
                .map(<[u8]>::to_vec),
            None => first_entries(&bytes, wanted.width).map(<[u8]>::to_vec),
        })
    }
}

/// The first `width` entries of a bundle.
fn first_entries(bundle: &[u8], width: u64) -> Option<&[u8]> {
    let mut rest = bundle;
    for _ in 0..width {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        rest = tail.get(usize::from(u16::from_be_bytes(*length))..)?;
    }
    bundle.get(..bundle.len() - rest.len())
}

/// A tile that is asked for.
struct Wanted {
    /// `None` for a bundle of entries.
    level: Option<u8>,
    index: u64,
    width: u64,
}

impl Wanted {
    /// From `tile/<level>/<index>[.p/<width>]`; `None` for anything else, and for any other spelling of the
    /// same.
    fn from_path(path: &str) -> Option<Self> {
        let (level, tile) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = match level {
            "entries" => None,
            level => Some(level.parse().ok().filter(|level| *level < 8)?),
        };
        let (index, width) = match tile.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (tile, TILE_WIDTH),
        };
        let digits: String = index
            .split('/')
            .map(|g| g.trim_start_matches('x'))
            .collect();
        let wanted = Self {
            level,
            index: digits.parse().ok()?,
            width,
        };
        let fits = (1..=TILE_WIDTH).contains(&width) && wanted.index <= u64::MAX >> 8;
        (fits && wanted.path(width) == format!("log/{path}")).then_some(wanted)
    }

    /// Where it is stored when it is this wide.
    fn path(&self, width: u64) -> String {
        match self.level {
            Some(level) => tile_path(&Tile::new(
                TILE_HEIGHT,
                level,
                self.index,
                width as u32,
                false,
            )),
            None => bundle_path(self.index, width),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_spelling_of_the_standard_is_a_tile() {
        for (path, is_one) in [
            ("tile/0/000", true),
            ("tile/entries/x001/234.p/7", true),
            ("tile/7/000.p/255", true),
            ("tile/8/000", false),
            ("tile/0/0", false),
            ("tile/0/1234", false),
            ("tile/00/000", false),
            ("tile/0/000.p/0", false),
            ("tile/0/000.p/256", false),
            ("tile/0/000.p/07", false),
            ("tile/0/xx01/234", false),
            ("tile/0/../../key", false),
            ("tile/0/x18446744/073/709/551/615", false),
            ("tile/-1/000", false),
            ("tile/0/+00", false),
            ("records/x", false),
            ("", false),
        ] {
            assert_eq!(Wanted::from_path(path).is_some(), is_one, "{path}");
        }
    }
}

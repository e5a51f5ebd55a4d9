//! Work on a stream that is done on a separate thread.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;

/// Pieces that wait for the thread. Our judgement.
const WAITING_MAX: usize = 4;

/// Reads a stream on a separate thread, such as to make a digest of it.
pub struct Digesting<T> {
    pieces: SyncSender<Bytes>,
    digest: JoinHandle<T>,
}

impl<T: Send + 'static> Digesting<T> {
    /// Starts the thread; `digest` reads the stream to its end.
    pub fn start(digest: impl FnOnce(&mut dyn Read) -> T + Send + 'static) -> Self {
        let (pieces, received) = sync_channel(WAITING_MAX);
        let digest = std::thread::spawn(move || {
            digest(&mut Pieces {
                received,
                piece: Bytes::new(),
            })
        });
        Self { pieces, digest }
    }

    /// Gives the next piece; waits while the thread is behind.
    pub fn update(&self, piece: &Bytes) {
        self.pieces
            .send(piece.clone())
            .expect("the thread reads until the sender is dropped");
    }

    /// Ends the stream; returns what was made of it.
    pub fn finish(self) -> T {
        drop(self.pieces);
        self.digest.join().expect("a digest doesn't panic")
    }
}

/// What a channel gives, as a reader.
struct Pieces {
    received: Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.received.recv() {
                Ok(piece) => self.piece = piece,
                // The sender is gone: that was everything.
                Err(_) => return Ok(0),
            }
        }
        let bytes = into.len().min(self.piece.len());
        into[..bytes].copy_from_slice(&self.piece.split_to(bytes));
        Ok(bytes)
    }
}

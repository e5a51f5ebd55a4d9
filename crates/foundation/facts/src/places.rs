//! Where an incident happened, in the eight sorts of the CyberTipline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Email, IpEvent, Phone};

/// Where an incident happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "place", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// A web page.
    WebPage {
        /// URLs.
        #[serde(default)]
        urls: Vec<String>,
        /// True when another company hosts it.
        #[serde(default)]
        third_party: Option<bool>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// E-mail.
    Email {
        /// Addresses.
        #[serde(default)]
        addresses: Vec<Email>,
        /// Headers, subject, text.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A newsgroup.
    Newsgroup {
        /// Its name.
        #[serde(default)]
        name: Option<String>,
        /// Addresses.
        #[serde(default)]
        addresses: Vec<Email>,
        /// The posting.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A chat.
    Chat {
        /// The program.
        #[serde(default)]
        client: Option<String>,
        /// The room.
        #[serde(default)]
        room: Option<String>,
        /// What was written.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A game.
    Game {
        /// Its name.
        #[serde(default)]
        name: Option<String>,
        /// The console.
        #[serde(default)]
        console: Option<String>,
        /// What was written.
        #[serde(default)]
        content: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A mobile phone.
    CellPhone {
        /// Its number.
        #[serde(default)]
        phone: Option<Phone>,
        /// Degrees north.
        #[serde(default)]
        latitude: Option<f64>,
        /// Degrees east.
        #[serde(default)]
        longitude: Option<f64>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// Not online.
    Offline {
        /// Name of the place.
        #[serde(default)]
        name: Option<String>,
        /// Addresses.
        #[serde(default)]
        addresses: Vec<Address>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
    /// A file-sharing network.
    PeerToPeer {
        /// The program.
        #[serde(default)]
        client: Option<String>,
        /// The peers' IP addresses.
        #[serde(default)]
        ip_events: Vec<IpEvent>,
        /// Names of files.
        #[serde(default)]
        file_names: Option<String>,
        /// Remark.
        #[serde(default)]
        note: Option<String>,
    },
}

impl Place {
    /// What was written there, where that is known.
    pub fn content(&self) -> Option<&str> {
        match self {
            Self::Email { content, .. }
            | Self::Newsgroup { content, .. }
            | Self::Chat { content, .. }
            | Self::Game { content, .. } => content.as_deref(),
            _ => None,
        }
    }

    /// The remark about it, where there is one.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::WebPage { note, .. }
            | Self::Email { note, .. }
            | Self::Newsgroup { note, .. }
            | Self::Chat { note, .. }
            | Self::Game { note, .. }
            | Self::CellPhone { note, .. }
            | Self::Offline { note, .. }
            | Self::PeerToPeer { note, .. } => note.as_deref(),
        }
    }

    /// Takes out [`Place::content`] and [`Place::note`].
    pub(crate) fn take_words(&mut self) -> impl Iterator<Item = String> + use<> {
        let content = match self {
            Self::Email { content, .. }
            | Self::Newsgroup { content, .. }
            | Self::Chat { content, .. }
            | Self::Game { content, .. } => content.take(),
            Self::WebPage { .. }
            | Self::CellPhone { .. }
            | Self::Offline { .. }
            | Self::PeerToPeer { .. } => None,
        };
        let note = match self {
            Self::WebPage { note, .. }
            | Self::Email { note, .. }
            | Self::Newsgroup { note, .. }
            | Self::Chat { note, .. }
            | Self::Game { note, .. }
            | Self::CellPhone { note, .. }
            | Self::Offline { note, .. }
            | Self::PeerToPeer { note, .. } => note.take(),
        };
        content.into_iter().chain(note)
    }

    /// True if any field that identifies or describes the place is filled. A longitude counts only
    /// with a latitude.
    pub fn says_something(&self) -> bool {
        let said = |texts: &[&Option<String>]| {
            texts
                .iter()
                .any(|t| t.as_ref().is_some_and(|t| !t.trim().is_empty()))
        };
        match self {
            // `third_party` does not count: it says who hosts a page, not which page.
            Self::WebPage { urls, note, .. } => {
                urls.iter().any(|u| !u.trim().is_empty()) || said(&[note])
            }
            Self::Email {
                addresses,
                content,
                note,
            } => addresses.iter().any(|a| !a.address.trim().is_empty()) || said(&[content, note]),
            Self::Newsgroup {
                name,
                addresses,
                content,
                note,
            } => {
                addresses.iter().any(|a| !a.address.trim().is_empty())
                    || said(&[name, content, note])
            }
            Self::Chat {
                client,
                room,
                content,
                note,
            } => said(&[client, room, content, note]),
            Self::Game {
                name,
                console,
                content,
                note,
            } => said(&[name, console, content, note]),
            Self::CellPhone {
                phone,
                latitude,
                note,
                ..
            } => {
                phone.as_ref().is_some_and(|p| !p.number.trim().is_empty())
                    || latitude.is_some()
                    || said(&[note])
            }
            Self::Offline {
                name,
                addresses,
                note,
            } => addresses.iter().any(|a| *a != Address::default()) || said(&[name, note]),
            Self::PeerToPeer {
                client,
                ip_events,
                file_names,
                note,
            } => {
                ip_events.iter().any(|e| !e.address.trim().is_empty())
                    || said(&[client, file_names, note])
            }
        }
    }
}

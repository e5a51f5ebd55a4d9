//! Looks at evidence: a form asks for one, and the pixels leave once, to the person who asked, after
//! the look was put on record.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use obhut_app::casework::{self, Act, Extent};
use obhut_app::media;
use tokio::time::Instant;

use super::Visit;
use crate::fault::Fault;
use crate::intake;

/// How long a look may be fetched after it was asked for. Our judgement: a page loads in less.
const GRANTED_FOR: Duration = Duration::from_secs(60);
/// Looks that were asked for and not fetched, in all. Our judgement: more than people can ask for in a
/// minute.
const GRANTS_MAX: usize = 10_000;

/// What is shown of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// A small, grey, blurred rendition.
    Blurred,
    /// Frames of a video or animation, small and grey.
    Sheet,
    /// Every pixel of a picture.
    Whole,
}

impl Look {
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "blurred" => Some(Self::Blurred),
            "sheet" => Some(Self::Sheet),
            "whole" => Some(Self::Whole),
            _ => None,
        }
    }

    /// What the record of the look says.
    fn extent(self) -> Extent {
        match self {
            Self::Blurred => Extent::Blurred,
            Self::Sheet => Extent::Part,
            Self::Whole => Extent::Whole,
        }
    }
}

struct Grant {
    person: String,
    exhibit: String,
    look: Look,
    purpose: String,
    until: Instant,
}

/// Looks that were asked for, by their token.
#[derive(Default)]
pub(crate) struct Looks(Mutex<HashMap<String, Grant>>);

impl Looks {
    /// Keeps a look for its person to fetch, and returns its token: 128 random bits.
    fn keep(&self, grant: Grant, now: Instant) -> Result<String, Fault> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).expect("the operating system provides randomness");
        let token = hex::encode(token);
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        grants.retain(|_, grant| grant.until > now);
        if grants.len() >= GRANTS_MAX {
            return Err(Fault::new(
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                "too many looks were asked for and not fetched; try again in a minute",
            ));
        }
        grants.insert(token.clone(), grant);
        Ok(token)
    }

    /// Takes a look out: a token is good once, and for its person only.
    fn take(&self, token: &str, person: &str, now: Instant) -> Option<Grant> {
        let mut grants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.get(token)?.person != person {
            return None;
        }
        grants.remove(token).filter(|grant| grant.until > now)
    }
}

/// Grants a look at an exhibit for a purpose. Returns the address it can be fetched from, once.
pub(crate) fn grant(
    visit: &Visit,
    exhibit: &str,
    look: Look,
    purpose: &str,
) -> Result<String, Fault> {
    let person = visit.acting(Act::ViewExhibit)?;
    let now = Instant::now();
    let grant = Grant {
        person: person.id.clone(),
        exhibit: exhibit.to_owned(),
        look,
        purpose: purpose.to_owned(),
        until: now + GRANTED_FOR,
    };
    let token = visit.app.looks.keep(grant, now)?;
    Ok(format!("/looks/{token}"))
}

/// The pixels of a look. The look is on record before they leave.
pub(crate) async fn fetch(visit: Visit, Path(token): Path<String>) -> Response {
    match pixels(&visit, &token).await {
        Ok(png) => (
            [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            png,
        )
            .into_response(),
        // Plain: it is loaded as a picture, not shown as a page.
        Err(fault) => fault.into_response(),
    }
}

async fn pixels(visit: &Visit, token: &str) -> Result<Vec<u8>, Fault> {
    let person = visit.acting(Act::ViewExhibit)?;
    let app = &visit.app;
    let granted = app.looks.take(token, &person.id, Instant::now()).ok_or_else(|| {
        Fault::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "this look was fetched already, is older than a minute, or is another person's; ask for it again",
        )
    })?;
    // The exhibit is held in memory like an upload.
    let _place = intake::receiving(app, &visit.session.key).await?;
    let asker = intake::asker_of(person);
    let render = async |bytes: Vec<u8>| match granted.look {
        Look::Blurred => intake::rendered(app, asker, bytes, media::blurred).await,
        Look::Sheet => intake::rendered(app, asker, bytes, media::sheet).await,
        Look::Whole => intake::rendered(app, asker, bytes, media::whole)
            .await?
            .ok_or_else(|| intake::no_rendition("it moves; ask for a sheet of its frames")),
    };
    casework::view_rendered(
        &app.casework,
        &granted.exhibit,
        person,
        &granted.purpose,
        granted.look.extent(),
        render,
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_good_once_for_its_person_and_for_a_minute() {
        let looks = Looks::default();
        let start = Instant::now();
        let asked = || {
            let grant = Grant {
                person: "ada".into(),
                exhibit: "exhibit-1".into(),
                look: Look::Whole,
                purpose: "review".into(),
                until: start + GRANTED_FOR,
            };
            let kept = looks.keep(grant, start);
            kept.unwrap_or_else(|_| panic!("there is room"))
        };
        let token = asked();
        assert!(
            looks.take(&token, "grace", start).is_none(),
            "another person"
        );
        assert!(looks.take(&token, "ada", start).is_some());
        assert!(looks.take(&token, "ada", start).is_none(), "a second time");
        let token = asked();
        let late = start + GRANTED_FOR;
        assert!(looks.take(&token, "ada", late).is_none(), "too late");
    }
}

//! How each destination is reached: address, credentials, the officer who answers for it.
//!
//! Invariant: a production address is used only with credentials and a named officer on record.

use obhut_facts::Sealed;
use serde::{Deserialize, Serialize};

use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Person, Result, Role, alarms, audit, outbox, people, sealed};

/// Name of the channel to the operator's own platform, which receives decisions about uploads and
/// requests for information. No report is sent there.
pub const PLATFORM: &str = "platform";

/// How a destination is reached. Without `url`, the destination's own address is used if it has
/// one: that of its production or of its test service, as `production` says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Channel {
    /// The destination.
    pub destination: String,
    /// Its address.
    pub url: Option<String>,
    /// User name there.
    pub user: Option<String>,
    /// Password or signing secret there.
    pub secret: Option<Sealed<String>>,
    /// The age recipient that packages are encrypted to.
    pub recipient: Option<String>,
    /// The folder packages are written to.
    pub folder: Option<String>,
    /// The e-mail address packages are sent to, by the mail server that `url` names.
    pub mail_to: Option<String>,
    /// Reference of the authority's written instruction that files may be sent to it by mail.
    /// Without it no file is sent by mail.
    pub media_instruction: Option<String>,
    /// Id of the person who answers for what is sent.
    pub officer: Option<String>,
    /// True for the destination's production service, false for its test service.
    pub production: bool,
    /// Why nothing is sent there at the moment.
    pub halted: Option<String>,
}

/// Prefix of [`Channel::address`] for a destination that gets its reports by mail.
pub(crate) const MAILTO: &str = "mailto:";

impl Channel {
    /// Where reports go: the address to which the numbers that the destination assigns belong. With
    /// [`Self::mail_to`], `mailto:` and that address; otherwise scheme, host and any port of the
    /// URL; without a URL, the folder; with none of these, `production` or `test`.
    pub fn address(&self) -> String {
        if let Some(to) = &self.mail_to {
            // Not the mail server, which is our own: it is the authority that receives the reports.
            return format!("{MAILTO}{to}");
        }
        match (&self.url, &self.folder, self.production) {
            // Path, query and user may be credentials, and this is stored in the clear.
            (Some(url), _, _) => origin(url),
            (None, Some(folder), _) => folder.clone(),
            // The destination's code knows these two addresses.
            (None, None, true) => "production".into(),
            (None, None, false) => "test".into(),
        }
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{}", host.to_ascii_lowercase())
}

#[derive(Serialize, Deserialize, Default)]
struct StoredChannel {
    url: Option<String>,
    user: Option<String>,
    secret: Option<String>,
    recipient: Option<String>,
    folder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mail_to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_instruction: Option<String>,
}

/// How a destination is reached; everything empty until it is set.
pub async fn channel(casework: &Casework, destination: &str) -> Result<Channel> {
    let row = sqlx::query(CHANNEL)
        .bind(destination)
        .fetch_optional(casework.db.pool())
        .await?;
    channel_of(casework, destination, row.as_ref())
}

const CHANNEL: &str =
    "SELECT sealed, officer, production, halted_because FROM channels WHERE destination = $1";

fn channel_of(
    casework: &Casework,
    destination: &str,
    row: Option<&sqlx::any::AnyRow>,
) -> Result<Channel> {
    let mut channel = Channel {
        destination: destination.to_owned(),
        ..Channel::default()
    };
    if let Some(row) = row {
        let mut c = Columns::of(row);
        fill(casework, &mut channel, &mut c)?;
        channel.halted = c.maybe_text()?;
    }
    Ok(channel)
}

/// The settings a destination had at an earlier address ([`Channel::address`]), to finish or
/// retract what was begun there.
pub async fn channel_at(
    casework: &Casework,
    destination: &str,
    address: &str,
) -> Result<Option<Channel>> {
    let row = sqlx::query(
        "SELECT sealed, officer, production FROM channel_addresses WHERE destination = $1 AND address_key = $2",
    )
    .bind(destination)
    .bind(address_key(casework, address))
    .fetch_optional(casework.db.pool())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut channel = Channel {
        destination: destination.to_owned(),
        ..Channel::default()
    };
    fill(casework, &mut channel, &mut Columns::of(&row))?;
    Ok(Some(channel))
}

/// True if a destination was set up, halted or not.
pub(crate) async fn is_set(tx: &mut Tx, destination: &str) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM channels WHERE destination = $1")
        .bind(destination)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

fn address_key(casework: &Casework, address: &str) -> String {
    casework
        .lookup
        .keyed_digest("destination address", address.as_bytes())
}

fn fill(casework: &Casework, channel: &mut Channel, c: &mut Columns<'_>) -> Result<()> {
    let form = |_| CaseworkError::unreadable("a destination's settings");
    let kept: StoredChannel =
        serde_json::from_str(&sealed::open_text(casework, &c.text()?)?).map_err(form)?;
    channel.url = kept.url;
    channel.user = kept.user;
    channel.secret = kept.secret.map(Sealed::new);
    channel.recipient = kept.recipient;
    channel.folder = kept.folder;
    channel.mail_to = kept.mail_to;
    channel.media_instruction = kept.media_instruction;
    channel.officer = c.maybe_text()?;
    channel.production = c.int()? != 0;
    Ok(())
}

async fn ask_for_people(tx: &mut Tx, casework: &Casework, destination: &str) -> Result<()> {
    let text = format!(
        "reports to {destination} are real from now on, and fewer than three people can decide, approve and decide an appeal; add one, who may be an outside person with the role appeals"
    );
    alarms::raise(tx, casework.now(), "people", destination, &text).await
}

/// Whether three different people can decide a case, approve its report, and decide an appeal
/// against it.
fn enough_people(people: &[Person]) -> bool {
    let here = || people.iter().filter(|p| !p.removed);
    here()
        .filter(|p| p.roles.contains(&Role::Reviewer))
        .any(|decides| {
            here()
                .filter(|p| p.roles.contains(&Role::ReportingOfficer) && p.id != decides.id)
                .any(|approves| {
                    here().any(|p| {
                        (p.roles.contains(&Role::Reviewer) || p.roles.contains(&Role::Appeals))
                            && p.id != decides.id
                            && p.id != approves.id
                    })
                })
        })
}

/// Replaces how a destination is reached. Ends a halt, and makes every waiting job due.
///
/// # Errors
/// Denied without the role administrator, or if the officer isn't a reporting officer; not found
/// for an unknown officer; invalid for an empty secret, and for production without officer, user or
/// secret.
pub async fn set_channel(casework: &Casework, channel: &Channel, person: &Person) -> Result<()> {
    set(casework, None, channel, person).await
}

/// Like [`set_channel`], for a caller that read the settings `before` and changed them.
///
/// # Errors
/// Also a conflict if the settings are no longer those in `before`, because another change would be
/// lost.
pub async fn replace_channel(
    casework: &Casework,
    before: &Channel,
    channel: &Channel,
    person: &Person,
) -> Result<()> {
    set(casework, Some(before), channel, person).await
}

// Long: the checks, and the statements of one transaction.
async fn set(
    casework: &Casework,
    before: Option<&Channel>,
    channel: &Channel,
    person: &Person,
) -> Result<()> {
    person.require(Role::Administrator)?;
    if let Some(officer) = &channel.officer {
        people::person(casework, officer)
            .await?
            .require(Role::ReportingOfficer)?;
    }
    let is_empty = |text: Option<&String>| text.is_none_or(|t| t.trim().is_empty());
    let secret = channel.secret.as_ref().map(Sealed::expose);
    if secret.is_some() && is_empty(secret) {
        return Err(CaseworkError::invalid("secret", "the secret is empty"));
    }
    if channel.production
        && (channel.officer.is_none() || is_empty(channel.user.as_ref()) || is_empty(secret))
    {
        return Err(CaseworkError::invalid(
            "officer",
            "a production address needs credentials and a named officer",
        ));
    }
    // Before the transaction, so that it doesn't ask the pool for a second connection.
    let is_enough = !channel.production || enough_people(&people::people(casework).await?);
    let kept = StoredChannel {
        url: channel.url.clone(),
        user: channel.user.clone(),
        secret: channel.secret.as_ref().map(|s| s.expose().clone()),
        recipient: channel.recipient.clone(),
        folder: channel.folder.clone(),
        mail_to: channel.mail_to.clone(),
        media_instruction: channel.media_instruction.clone(),
    };
    let json = serde_json::to_string(&kept).expect("settings are JSON");
    let mut tx = casework.db.begin().await?;
    if let Some(before) = before {
        require_unchanged(&mut tx, casework, before).await?;
    }
    sqlx::query(
        "INSERT INTO channels (destination, sealed, officer, production, changed_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (destination) DO UPDATE SET sealed = $2, officer = $3, production = $4, changed_at = $5, halted_because = NULL",
    )
    .bind(&channel.destination)
    .bind(sealed::seal_text(casework, &json))
    .bind(&channel.officer)
    .bind(i64::from(channel.production))
    .bind(casework.now())
    .execute(&mut *tx)
    .await?;
    // Settings are stored for each address, because a report that was begun there is finished or
    // retracted there, with these credentials.
    sqlx::query(
        "INSERT INTO channel_addresses (destination, address_key, sealed, officer, production, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (destination, address_key) DO UPDATE SET sealed = $3, officer = $4, production = $5, changed_at = $6",
    )
    .bind(&channel.destination)
    .bind(address_key(casework, &channel.address()))
    .bind(sealed::seal_text(casework, &json))
    .bind(&channel.officer)
    .bind(i64::from(channel.production))
    .bind(casework.now())
    .execute(&mut *tx)
    .await?;
    // What waited because of a halt or an outage goes out now.
    outbox::due_now(&mut tx).await?;
    if !is_enough {
        ask_for_people(&mut tx, casework, &channel.destination).await?;
    }
    let detail = if channel.production {
        "production"
    } else {
        "test"
    };
    alarms::end(
        &mut tx,
        casework.now(),
        "destination",
        &channel.destination,
        &person.id,
    )
    .await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "destination.set",
        &channel.destination,
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Fails if a destination's settings are no longer those in `before`. Locks them until the
/// transaction ends.
async fn require_unchanged(tx: &mut Tx, casework: &Casework, before: &Channel) -> Result<()> {
    let destination = &before.destination;
    // A write, which locks the row on both databases.
    sqlx::query("UPDATE channels SET changed_at = changed_at WHERE destination = $1")
        .bind(destination)
        .execute(&mut **tx)
        .await?;
    let row = sqlx::query(CHANNEL)
        .bind(destination)
        .fetch_optional(&mut **tx)
        .await?;
    if channel_of(casework, destination, row.as_ref())? == *before {
        return Ok(());
    }
    Err(CaseworkError::conflict(format!(
        "{destination} was changed at the same time; look at it and send the change again"
    )))
}

/// Stops sending events to the platform and drops those that wait. The platform can still ask for
/// decisions. Requests for information that it hasn't answered stay open until their deadlines.
///
/// # Errors
/// Denied without the role administrator.
pub async fn forget_platform(casework: &Casework, person: &Person) -> Result<()> {
    person.require(Role::Administrator)?;
    let mut tx = casework.db.begin().await?;
    let now = casework.now();
    for sql in [
        "DELETE FROM channels WHERE destination = $1",
        "DELETE FROM channel_addresses WHERE destination = $1",
    ] {
        sqlx::query(sql).bind(PLATFORM).execute(&mut *tx).await?;
    }
    let asked = outbox::drop_events(&mut tx, now).await?;
    if asked > 0 {
        let asked = match asked {
            1 => "a request for information had".to_owned(),
            n => format!("{n} requests for information had"),
        };
        let text = format!(
            "{asked} not reached the platform when it was turned off; ask again, or end it"
        );
        alarms::raise(&mut tx, now, "platform", PLATFORM, &text).await?;
    }
    alarms::end(&mut tx, now, "destination", PLATFORM, &person.id).await?;
    audit::write(&mut tx, now, &person.id, "destination.remove", PLATFORM, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Halts a destination until a person sets it up again or resumes it, and raises an alarm. `why` is
/// the destination's message, or what its settings lack.
pub async fn halt_channel(casework: &Casework, destination: &str, why: &str) -> Result<()> {
    let mut tx = casework.db.begin().await?;
    let now = casework.now();
    // A destination that was never set up can be halted too, and that needs a row.
    let empty = serde_json::to_string(&StoredChannel::default()).expect("settings are JSON");
    sqlx::query(
        "INSERT INTO channels (destination, sealed, production, halted_because, changed_at) VALUES ($1, $2, 0, $3, $4)
         ON CONFLICT (destination) DO UPDATE SET halted_because = $3, changed_at = $4",
    )
    .bind(destination)
    .bind(sealed::seal_text(casework, &empty))
    .bind(why)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let remedy = match destination {
        PLATFORM => "set the platform's address and secret again",
        _ => "correct its settings, then resume it",
    };
    let text = format!("nothing is sent to {destination} any more: {why}; {remedy}");
    alarms::raise(&mut tx, now, "destination", destination, &text).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends a destination's halt, and makes every waiting job due. Denied without the role
/// reporting-officer.
pub async fn resume_channel(casework: &Casework, destination: &str, person: &Person) -> Result<()> {
    person.require(Role::ReportingOfficer)?;
    let mut tx = casework.db.begin().await?;
    sqlx::query(
        "UPDATE channels SET halted_because = NULL, changed_at = $1 WHERE destination = $2",
    )
    .bind(casework.now())
    .bind(destination)
    .execute(&mut *tx)
    .await?;
    outbox::due_now(&mut tx).await?;
    alarms::end(
        &mut tx,
        casework.now(),
        "destination",
        destination,
        &person.id,
    )
    .await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "destination.resume",
        destination,
        "",
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench;

    fn people(roles: &[&[Role]]) -> Vec<Person> {
        let all = roles.iter().enumerate();
        all.map(|(n, roles)| Person {
            id: format!("person-{n}"),
            name: String::new(),
            roles: roles.to_vec(),
            removed: false,
        })
        .collect()
    }

    #[test]
    fn three_people_are_enough_if_each_can_take_one_part() {
        const R: Role = Role::Reviewer;
        const O: Role = Role::ReportingOfficer;
        const A: Role = Role::Appeals;
        for (roles, enough) in [
            (&[&[R][..], &[O], &[A]][..], true),
            (&[&[R], &[O], &[R]], true),
            (&[&[R, O, A], &[R, O, A], &[R, O, A]], true),
            (&[&[R, O, A], &[R, O, A]], false),
            (&[&[R], &[R], &[A]], false),
            (&[&[O], &[O], &[A]], false),
            // The only reviewer decides, so someone else has to judge the appeal.
            (&[&[R], &[O], &[O]], false),
            (
                &[&[R], &[O], &[Role::Auditor], &[Role::Administrator]],
                false,
            ),
        ] {
            assert_eq!(enough_people(&people(roles)), enough, "{roles:?}");
        }
        let mut gone = people(&[&[R], &[O], &[A]]);
        gone[2].removed = true;
        assert!(!enough_people(&gone));
    }

    /// Of two changes at the same time, the later one once silently undid the earlier.
    #[tokio::test]
    async fn a_change_of_settings_that_are_no_longer_so_is_refused() {
        let (_folder, c, _) = bench::opened_at(0).await;
        let olga = people::add_person(&c, "Olga", &[Role::Administrator], "test")
            .await
            .unwrap();
        let before = channel(&c, "xarf").await.unwrap();
        let with = |change: fn(&mut Channel)| {
            let mut changed = before.clone();
            change(&mut changed);
            changed
        };
        let first = with(|c| c.user = Some("u".into()));
        replace_channel(&c, &before, &first, &olga).await.unwrap();
        let second = with(|c| c.url = Some("https://example.org".into()));
        let refused = replace_channel(&c, &before, &second, &olga).await;
        assert!(matches!(refused, Err(CaseworkError::Conflict { .. })));
        assert_eq!(channel(&c, "xarf").await.unwrap().user, first.user);
        replace_channel(&c, &first, &second, &olga).await.unwrap();
    }

    #[tokio::test]
    async fn a_production_address_alarms_while_three_people_are_missing() {
        let (_folder, c, _) = bench::opened_at(0).await;
        let roles = [Role::ReportingOfficer, Role::Administrator];
        let olga = people::add_person(&c, "Olga", &roles, "test")
            .await
            .unwrap();
        let mut channel = Channel {
            destination: "ncmec".into(),
            user: Some("u".into()),
            secret: Some(Sealed::new("s".into())),
            officer: Some(olga.id.clone()),
            ..Channel::default()
        };
        set_channel(&c, &channel, &olga).await.unwrap();
        assert_eq!(alarms::alarms(&c).await.unwrap(), [], "a test service");
        channel.production = true;
        set_channel(&c, &channel, &olga).await.unwrap();
        let raised = alarms::alarms(&c).await.unwrap();
        assert!(raised[0].text.contains("the role appeals"), "{raised:?}");
        for (name, role) in [("Rita", Role::Reviewer), ("Rudi", Role::Appeals)] {
            people::add_person(&c, name, &[role], "test").await.unwrap();
        }
        crate::see_alarm(&c, &raised[0].id, &olga).await.unwrap();
        set_channel(&c, &channel, &olga).await.unwrap();
        assert_eq!(alarms::alarms(&c).await.unwrap(), []);
    }
}

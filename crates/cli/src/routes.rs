//! `obhut destination`, `obhut route`, `obhut deadline`, `obhut alarm`: which authorities receive
//! reports, how, and by when.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use obhut_app::casework::{
    self, Act, Casework, Channel, PLATFORM, PROPOSALS, Route, Sealed, rfc3339,
};
use obhut_app::partners::destinations::Destination;
use obhut_app::partners::http::Http;
use obhut_app::partners::{destinations, filing};
use serde_json::{Value, json};

use crate::app_context::AppContext;
use crate::args::{AlarmCommand, DeadlineCommand, DestinationCommand, RouteCommand};
use crate::hints::alarm_hint;
use crate::hints::{Usage, usage};
use crate::input;
use crate::output::Output;

/// Longest file with a password, in bytes. Our judgement.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// Reports filed for test only that are listed one by one without `--json`. Our judgement: a screen.
const SHOWN_FOR_TEST: usize = 20;

// Long: one match arm per command.
pub async fn destination(
    command: DestinationCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        DestinationCommand::List => {
            for destination in destinations::ALL {
                let d = destination.form;
                let channel = casework::channel(&casework, d.name).await?;
                let state = match &channel.halted {
                    Some(why) => format!("halted: {why}"),
                    None => state(destination, &channel),
                };
                output.line(
                    || {
                        json!({
                            "name": d.name, "title": d.title, "source": d.source, "url": channel.url, "user": channel.user,
                            "officer": channel.officer, "production": channel.production, "halted": channel.halted,
                            "recipient": channel.recipient, "folder": channel.folder, "mail_to": channel.mail_to,
                            "media_instruction": channel.media_instruction,
                        })
                    },
                    || format!("{:<12} {} ({state})", d.name, d.title),
                )?;
            }
        }
        DestinationCommand::Set {
            name,
            url,
            user,
            password_file,
            recipient,
            folder,
            mail_to,
            media_instruction,
            officer,
            production,
            by,
        } => {
            let mut channel = casework::channel(&casework, &name).await?;
            let by_mail = destinations::by_name(&name).is_some_and(|d| d.by_mail);
            if mail_to.is_some() && !by_mail {
                return Err(usage!("nothing is sent to {name} by mail").into());
            }
            if let Some(address) = &mail_to {
                destinations::check_mail(address)?;
            }
            let before = server(&channel);
            let was_for_test = !channel.production;
            if let Some(url) = url {
                channel.url = Some(url);
            }
            // Omitted options keep their values: check address and mode together, whichever is new.
            if let Some(url) = &channel.url {
                destinations::check_address(
                    url,
                    production.unwrap_or(channel.production),
                    by_mail,
                )?;
            }
            if let Some(key) = &recipient {
                destinations::check_recipient(key)?;
            }
            // Otherwise the password for the old host would be sent to the new one.
            if server(&channel) != before && channel.secret.is_some() && password_file.is_none() {
                return Err(casework::CaseworkError::conflict(format!(
                    "another host needs its own password or signing secret; set it with `obhut destination set {name} --url … --password-file FILE`"
                ))
                .into());
            }
            // From a file: other users of the machine can read a process's arguments.
            if let Some(file) = password_file {
                let secret = secret(&file)?;
                destinations::check_secret_of(&name, secret.expose())?;
                channel.secret = Some(secret);
            }
            // After reading the input, so that a file that can't be read leaves no role granted.
            let person = context
                .acting(&casework, by.as_deref(), Act::SetUpDestinations)
                .await?;
            if let Some(officer) = officer {
                channel.officer = Some(
                    context
                        .acting(&casework, Some(&officer), Act::AnswerForDestination)
                        .await?
                        .id,
                );
            }
            channel.mail_to = mail_to.or(channel.mail_to);
            channel.media_instruction = media_instruction.or(channel.media_instruction);
            channel.user = user.or(channel.user);
            channel.recipient = recipient.or(channel.recipient);
            if let Some(folder) = folder {
                // A package is delivered in one way only. With both set, it would go by mail and
                // the folder would stay empty.
                if let Some(to) = channel.mail_to.take() {
                    (channel.url, channel.user, channel.secret) = (None, None, None);
                    output.remark(&format!(
                        "packages are placed in the folder from now on, no longer sent to {to}"
                    ));
                }
                // Absolute, because a server that sends later may have another working directory.
                channel.folder = Some(std::path::absolute(folder)?.to_string_lossy().into_owned());
            }
            channel.production = production.unwrap_or(channel.production);
            casework::set_channel(&casework, &channel, &person).await?;
            let again = match was_for_test && channel.production {
                true => for_test_only(&casework, &name, output).await?,
                false => Vec::new(),
            };
            output.line(
                || {
                    let mut value =
                        json!({ "destination": name, "production": channel.production });
                    if !again.is_empty() {
                        value["filed_for_test"] = again.into();
                    }
                    value
                },
                || {
                    let destination =
                        destinations::by_name(&name).expect("one of the possible values");
                    format!("{name}: {}", state(destination, &channel))
                },
            )?;
        }
        DestinationCommand::Check { name } => {
            let http = Arc::new(Http::default());
            let words = filing::service_status(&casework, &http)
                .await
                .map_err(|e| anyhow::anyhow!("{e}"))?;
            let differences = filing::compare_schema(&casework, &http)
                .await
                .map_err(|e| anyhow::anyhow!("{e}"))?;
            output.line(
                || json!({ "destination": name, "says": words, "schema_differences": differences }),
                || match differences {
                    0 => format!("{name} accepted the credentials ({words}); its schema is the one this version writes"),
                    n => format!("{name} accepted the credentials ({words}); its schema differs in {n} places, see `obhut alarm list`"),
                },
            )?;
        }
        DestinationCommand::Resume { name, by } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::ResumeSending)
                .await?;
            casework::resume_channel(&casework, &name, &person).await?;
            output.line(
                || json!({ "destination": name, "halted": null }),
                || format!("reports are sent to {name} again"),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a password or signing secret from a file.
fn secret(file: &Path) -> anyhow::Result<Sealed<String>> {
    let bytes = input::read(file, PASSWORD_BYTES_MAX)?;
    let text = String::from_utf8(bytes)
        .ok()
        .context(usage!("{} isn't valid UTF-8", file.display()))?;
    // Editors end a file with a line break; spaces may belong to the password.
    Ok(Sealed::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// `obhut settings platform`: sets, shows or forgets the address that signed events go to.
pub async fn platform(
    url: Option<String>,
    secret_file: Option<PathBuf>,
    off: bool,
    by: Option<String>,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    if off {
        let person = context
            .acting(&casework, by.as_deref(), Act::SetUpDestinations)
            .await?;
        casework::forget_platform(&casework, &person).await?;
    }
    let mut channel = casework::channel(&casework, PLATFORM).await?;
    if url.is_some() || secret_file.is_some() {
        if let Some(url) = url {
            destinations::check_address(&url, false, false)?;
            channel.url = Some(url);
        }
        if let Some(file) = secret_file {
            let secret = secret(&file)?;
            destinations::check_secret(secret.expose())?;
            channel.secret = Some(secret);
        }
        anyhow::ensure!(
            channel.url.is_some() && channel.secret.is_some(),
            usage!(
                "events need an address (--url) and a secret they are signed with (--secret-file)"
            )
        );
        let person = context
            .acting(&casework, by.as_deref(), Act::SetUpDestinations)
            .await?;
        casework::set_channel(&casework, &channel, &person).await?;
        channel.halted = None;
    }
    // `address` leaves out the path, which may be a webhook's credential.
    let address = channel.url.as_ref().map(|_| channel.address());
    output.line(
        || json!({ "address": address, "has_secret": channel.secret.is_some(), "halted": channel.halted }),
        || match (&address, &channel.halted) {
            (None, _) => "not set: the platform asks with GET /v1/screen?since=".into(),
            (Some(address), None) => format!("decisions about uploads and questions about cases go to {address}"),
            (Some(address), Some(why)) => format!("nothing is sent to {address} any more: {why}; set --url or --secret-file to resume"),
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The reports that only the test service has, each with its case, and a remark on how they are
/// filed again.
async fn for_test_only(
    casework: &Casework,
    destination: &str,
    output: &Output,
) -> anyhow::Result<Vec<Value>> {
    let mut again = Vec::new();
    for filing in casework::filed_for_test(casework, destination).await? {
        let case = casework::report_row(casework, &filing.report).await?.case;
        if again.len() < SHOWN_FOR_TEST {
            output.remark(&format!(
                "report {} was filed with the test service only: `obhut report approve {case} --destination {destination} --by PERSON` files it again",
                filing.report
            ));
        }
        again.push(json!({ "report": filing.report, "case": case }));
    }
    if again.len() > SHOWN_FOR_TEST {
        output.remark(&format!(
            "and {} more; `--json` lists all of them",
            again.len() - SHOWN_FOR_TEST
        ));
    }
    Ok(again)
}

/// How a destination is set up. Only a destination with a test service has a test mode; what is
/// sent to any other is a real report.
fn state(destination: &Destination, channel: &Channel) -> String {
    let mode = match (destination.has_test_service, channel.production) {
        (true, true) => "production",
        (true, false) => "test service, which reports nothing",
        (false, _) => "real",
    };
    match (destination.missing)(channel) {
        None => mode.into(),
        Some(missing) => format!("{mode}; it still needs {missing}"),
    }
}

// Long: one match arm per command.
pub async fn route(
    command: RouteCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        RouteCommand::List => {
            for route in casework::routes(&casework).await? {
                output.line(
                    || serde_json::to_value(&route).expect("a route is JSON"),
                    || describe(&route),
                )?;
            }
        }
        RouteCommand::Propose => {
            for p in PROPOSALS {
                output.line(
                    || serde_json::to_value(p).expect("a proposal is JSON"),
                    || {
                        let unless = match p.unless {
                            "" => String::new(),
                            other => format!(" --unless {other}"),
                        };
                        format!("obhut route add --destination {} --provider {} --from {}{unless} --basis \"{}\"", p.destination, p.provider_country, p.from, p.basis)
                    },
                )?;
            }
            output.remark("none of these applies until it is recorded; laws change, so have counsel confirm each");
        }
        RouteCommand::Add(a) => {
            let person = context
                .acting(&casework, a.by.as_deref(), Act::SetUpDestinations)
                .await?;
            let route = Route {
                id: String::new(),
                destination: a.destination,
                provider_country: a.provider,
                user_country: a.user,
                service: a.service,
                surface: a.surface,
                from: a.from,
                until: a.until,
                unless: a.unless,
                basis: a.basis,
            };
            let id = casework::add_route(&casework, &route, &person).await?;
            output.line(
                || json!({ "route": id }),
                || format!("{id} applies from now on"),
            )?;
        }
        RouteCommand::Remove { id, by } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::SetUpDestinations)
                .await?;
            casework::remove_route(&casework, &id, &person).await?;
            output.line(
                || json!({ "route": id, "removed": true }),
                || format!("{id} is removed"),
            )?;
        }
        RouteCommand::Show { case } => {
            let routing = casework::routing_for(&casework, &case).await?;
            output.line(
                || serde_json::to_value(&routing).expect("a routing is JSON"),
                || {
                    let mut lines: Vec<String> = routing
                        .to
                        .iter()
                        .map(|r| format!("to {}: {}", r.destination, r.basis))
                        .collect();
                    lines.extend(
                        routing
                            .spared
                            .iter()
                            .map(|(r, why)| format!("not to {}: {why}", r.destination)),
                    );
                    match lines.is_empty() {
                        true => "nowhere: no route on record fits this case; `obhut route propose`"
                            .into(),
                        false => lines.join("\n"),
                    }
                },
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(r: &Route) -> String {
    let mut text = format!("{}  to {}", r.id, r.destination);
    let service = r.service.map(|s| s.word()).unwrap_or_default();
    let surface = r.surface.map(|s| s.word()).unwrap_or_default();
    for (word, value) in [
        ("provider", r.provider_country.as_str()),
        ("user", &r.user_country),
        ("service", service),
        ("surface", surface),
        ("from", &r.from),
        ("until", &r.until),
        ("unless", &r.unless),
    ] {
        if !value.is_empty() {
            text += &format!(", {word} {value}");
        }
    }
    text + ": " + &r.basis
}

/// A time argument (RFC 3339, with a zone), in microseconds since 1970. Anything else is a usage
/// error.
pub fn time(text: &str) -> anyhow::Result<i64> {
    let time = text.parse::<jiff::Timestamp>().map_err(|_| {
        Usage(format!(
            "\"{text}\" isn't a time with a zone; write it as 2026-11-29T12:00:00Z"
        ))
    })?;
    Ok(time.as_microsecond())
}

// Long: one match arm per command.
pub async fn deadline(
    command: DeadlineCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        DeadlineCommand::List { case, all } => {
            for d in casework::deadlines(&casework, case.as_deref(), all).await? {
                output.line(
                    || serde_json::to_value(&d).expect("a deadline is JSON"),
                    || {
                        let ended = d
                            .ended_because
                            .as_deref()
                            .map_or_else(String::new, |b| format!(", ended: {b}"));
                        format!(
                            "{}  {} of {} due {} ({}){ended}",
                            d.id,
                            d.kind,
                            d.subject,
                            rfc3339(d.due_at),
                            d.basis
                        )
                    },
                )?;
            }
        }
        DeadlineCommand::Request {
            case,
            authority,
            reference,
            due,
            process,
            by,
        } => {
            // Before `acting`, so that a mistyped id grants no role.
            casework::case(&casework, &case).await?;
            let person = context
                .acting(&casework, by.as_deref(), Act::KeepDeadlines)
                .await?;
            let id = casework::add_authority_request(
                &casework,
                &case,
                &authority,
                &reference,
                time(&due)?,
                process.as_deref(),
                &person,
            )
            .await?;
            output.line(
                || json!({ "deadline": id }),
                || format!("{id} runs until {due}"),
            )?;
        }
        DeadlineCommand::Extend {
            id,
            due,
            because,
            by,
        } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::KeepDeadlines)
                .await?;
            casework::extend_deadline(&casework, &id, time(&due)?, &because, &person).await?;
            output.line(
                || json!({ "deadline": id, "due_at": due }),
                || format!("{id} runs until {due}"),
            )?;
        }
        DeadlineCommand::End { id, because, by } => {
            let person = context
                .acting(&casework, by.as_deref(), Act::KeepDeadlines)
                .await?;
            casework::end_deadline(&casework, &id, &because, &person).await?;
            output.line(
                || json!({ "deadline": id, "ended": true }),
                || format!("{id} has ended"),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn alarm(
    command: AlarmCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        AlarmCommand::List => {
            // A running server's workers do this; without one the list would miss what has become due.
            casework::alarm_about_danger(&casework).await?;
            casework::escalate_deadlines(&casework).await?;
            for a in casework::alarms(&casework).await? {
                output.line(
                    || serde_json::to_value(&a).expect("an alarm is JSON"),
                    || {
                        let hint = alarm_hint(&a.kind, &a.subject);
                        let hint = hint.map_or_else(String::new, |h| format!(" ({h})"));
                        format!(
                            "{}  {} since {}: {}{hint}",
                            a.id,
                            a.kind,
                            rfc3339(a.raised_at),
                            a.text
                        )
                    },
                )?;
            }
        }
        AlarmCommand::Seen { id, by } => {
            // Who dismisses the doubt may not approve afterwards, so it has to be known who it is.
            let open = casework::alarms(&casework).await?;
            let doubt = open
                .iter()
                .any(|a| a.id == id && a.kind == casework::IN_DOUBT);
            if doubt && by.is_none() {
                return Err(usage!(
                    "this alarm is about a review in doubt: say who has looked at it (--by PERSON)"
                )
                .into());
            }
            let person = context
                .acting(&casework, by.as_deref(), Act::SeeAlarm)
                .await?;
            casework::see_alarm(&casework, &id, &person).await?;
            output.line(
                || json!({ "alarm": id, "seen": true }),
                || format!("{id} was seen by {}", person.name),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The host that a password is for.
fn server(channel: &Channel) -> String {
    Channel {
        mail_to: None,
        ..channel.clone()
    }
    .address()
}

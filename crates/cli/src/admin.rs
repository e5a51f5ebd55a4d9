//! People, legal bases, keys, settings, audit.

use std::path::PathBuf;
use std::process::ExitCode;

use obhut_app::casework::{
    self, Act, CaseworkError, Clock as _, Exposure, FinancialUnit, Right, SystemClock, rfc3339,
};
use obhut_app::formats::reports::goaml;
use serde_json::json;

use crate::app_context::{AppContext, shell_user};
use crate::args::{AuditArgs, BasisCommand, KeyCommand, PersonCommand, SettingsCommand};
use crate::hints::Usage;
use crate::input;
use crate::output::{Output, count};

pub async fn person(
    command: PersonCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    let people = match command {
        PersonCommand::Add { name, roles } => {
            vec![casework::add_person(&casework, &name, &roles, &shell_user()).await?]
        }
        PersonCommand::Remove { name } => {
            let (person, keys) = casework::remove_person(&casework, &name, &shell_user()).await?;
            output.line(
                || json!({ "removed": person.id, "name": person.name, "keys_revoked": keys }),
                || {
                    format!(
                        "{} has been removed and {keys} of their keys revoked; past acts stay on record",
                        person.name
                    )
                },
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        PersonCommand::Withdraw { name, role } => {
            vec![casework::withdraw_role(&casework, &name, role, &shell_user()).await?]
        }
        PersonCommand::Looks {
            name,
            more,
            by,
            because,
        } => {
            let whose = casework::person(&casework, &name).await?;
            if let Some(more) = more {
                let by = context
                    .acting(&casework, by.as_deref(), Act::LiftExposureCap)
                    .await?;
                let because = because.unwrap_or_default();
                casework::lift_exposure_cap(&casework, &whose, more, &because, &by).await?;
            }
            let exposure = casework::looks_today(&casework, &whose.id).await?;
            output.line(
                || json!({ "person": whose.id, "name": whose.name, "today": exposure }),
                || looks(&whose.name, &exposure),
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        PersonCommand::List => casework::people(&casework).await?,
    };
    for person in &people {
        output.line(
            || serde_json::to_value(person).expect("a person is JSON"),
            || {
                let roles: Vec<_> = person.roles.iter().map(|r| r.word()).collect();
                format!("{}  {}  {}", person.id, person.name, roles.join(", "))
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a person has looked at today, in words.
fn looks(name: &str, today: &Exposure) -> String {
    let looked = count(today.looks as u64, "look", "looks");
    match today.left() {
        None => format!("{name}: {looked} today; there is no cap"),
        Some(left) => format!("{name}: {looked} today, {left} left"),
    }
}

/// `obhut settings looks`: sets how many exhibits a person may look at in a day.
async fn cap(
    cap: Option<i64>,
    by: Option<String>,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    let person = context
        .acting(&casework, by.as_deref(), Act::SetExposureCap)
        .await?;
    casework::set_exposure_cap(&casework, cap, &person).await?;
    output.line(
        || json!({ "looks_a_day": cap }),
        || match cap {
            None => "looks are counted, and any number is allowed".into(),
            Some(cap) => format!(
                "each person may have {} a day",
                count(cap as u64, "look", "looks")
            ),
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The end of a day (UTC), in microseconds since 1970. A usage error if `text` isn't a date.
fn end_of_day(text: &str) -> anyhow::Result<i64> {
    let day: jiff::civil::Date = text
        .parse()
        .map_err(|_| Usage(format!("\"{text}\" isn't a date; write it as 2027-04-03")))?;
    // The named day is included.
    let end = day.tomorrow()?.to_zoned(jiff::tz::TimeZone::UTC)?;
    Ok(end.timestamp().as_microsecond())
}

pub async fn basis(
    command: BasisCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    let bases = match command {
        BasisCommand::Add {
            surface,
            text,
            owner,
            until,
        } => {
            let end = end_of_day(&until)?;
            vec![
                casework::record_legal_basis(&casework, surface, &text, &owner, end, &shell_user())
                    .await?,
            ]
        }
        BasisCommand::List => casework::legal_bases(&casework).await?,
    };
    for basis in &bases {
        output.line(
            || serde_json::to_value(basis).expect("a basis is JSON"),
            || {
                format!(
                    "{}  {} until {}: {} ({})",
                    basis.id,
                    basis.surface,
                    rfc3339(basis.ends_at),
                    basis.basis,
                    basis.owner
                )
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

// Long: one match arm per command.
pub async fn key(
    command: KeyCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    match command {
        KeyCommand::Create {
            name,
            rights,
            person,
            surface,
            expires,
        } => {
            let rights = if rights.is_empty() {
                vec![Right::Screen]
            } else {
                rights
            };
            let person = match person {
                Some(name) => Some(casework::person(&casework, &name).await?),
                None => None,
            };
            let (key, secret) = casework::create_key_until(
                &casework,
                &name,
                &rights,
                person.as_ref(),
                expires.as_deref().map(end_of_day).transpose()?,
                &shell_user(),
            )
            .await?;
            // A crash before this line leaves a key without a surface, whose secret was never
            // shown.
            if let Some(surface) = surface {
                casework::set_key_surface(&casework, &key.id, surface, &shell_user()).await?;
            }
            shown_once(&key, &secret, output)?;
        }
        KeyCommand::Rotate { id, days } => {
            let until = SystemClock.now_micros() + days * 24 * 3_600 * 1_000_000;
            let rotated = casework::rotate_api_key(&casework, &id, until, &shell_user()).await?;
            let (key, secret) = rotated;
            output.remark(&format!("note: {id} works until {}", rfc3339(until)));
            shown_once(&key, &secret, output)?;
        }
        KeyCommand::List => {
            let now = SystemClock.now_micros();
            let uses = casework::key_uses(&casework).await?;
            for key in casework::keys(&casework).await? {
                output.line(
                    || {
                        let mut value = serde_json::to_value(&key).expect("a key is JSON");
                        value["used_at"] = uses.get(&key.id).map(|at| rfc3339(*at)).into();
                        value
                    },
                    || {
                        let rights: Vec<_> = key.rights.iter().map(|r| r.word()).collect();
                        let state = match key.expires_at {
                            _ if key.revoked_at.is_some() => "revoked".to_owned(),
                            None => "valid".to_owned(),
                            Some(at) if at <= now => format!("expired {}", rfc3339(at)),
                            Some(at) => format!("valid until {}", rfc3339(at)),
                        };
                        let used = match uses.get(&key.id) {
                            Some(at) => format!("last used {}", rfc3339(*at)),
                            None => "never used".to_owned(),
                        };
                        let rights = rights.join(", ");
                        format!("{}  {}  {rights}  {state}, {used}", key.id, key.name)
                    },
                )?;
            }
        }
        KeyCommand::Revoke { id } => {
            casework::revoke_key(&casework, &id, &shell_user()).await?;
            output.line(
                || json!({ "id": id, "revoked": true }),
                || format!("{id} is revoked"),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a key with its secret.
fn shown_once(key: &casework::ApiKey, secret: &str, output: &Output) -> anyhow::Result<()> {
    // On stderr, so that `> hma.key` gets the key and nothing else.
    output.remark(
        "note: the key is shown this once and kept nowhere; send it as `Authorization: Bearer …`",
    );
    output.line(
        || json!({ "id": key.id, "name": key.name, "rights": key.rights, "key": secret }),
        || secret.to_owned(),
    )
}

pub async fn settings(
    command: SettingsCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let command = match command {
        SettingsCommand::Unit {
            file,
            schema,
            own_profile,
        } => return unit(file, schema, own_profile, context, output).await,
        SettingsCommand::Platform {
            url,
            secret_file,
            off,
            by,
        } => return crate::routes::platform(url, secret_file, off, by, context, output).await,
        SettingsCommand::Looks {
            cap: number, by, ..
        } => return cap(number, by, context, output).await,
        reporter => reporter,
    };
    let SettingsCommand::Reporter {
        service,
        first_name,
        last_name,
        email,
        contact_email,
        company_template,
        terms_of_service,
        legal_url,
        industry_agreement,
        nca_duty,
        nca_unreported,
    } = command
    else {
        unreachable!("the others were answered above")
    };
    let casework = context.casework().await?;
    let mut reporter = casework::reporter(&casework).await?;
    let before = reporter.clone();
    for (field, given) in [
        (&mut reporter.service, service),
        (&mut reporter.first_name, first_name),
        (&mut reporter.last_name, last_name),
        (&mut reporter.email, email),
        (&mut reporter.contact_email, contact_email),
        (&mut reporter.company_template, company_template),
        (&mut reporter.terms_of_service, terms_of_service),
        (&mut reporter.legal_url, legal_url),
        (&mut reporter.industry_agreement, industry_agreement),
        (&mut reporter.nca_unreported, nca_unreported),
    ] {
        if let Some(given) = given {
            *field = given;
        }
    }
    reporter.nca_duty = nca_duty.or(reporter.nca_duty);
    // Looking at the settings must not write to the audit trail.
    if reporter != before {
        casework::set_reporter(&casework, &reporter, &shell_user()).await?;
    }
    let value = serde_json::to_value(&reporter)?;
    output.line(
        || value.clone(),
        || serde_json::to_string_pretty(&value).expect("settings are JSON"),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Longest settings, schema or profile file of a unit, in bytes. Our judgement.
const UNIT_FILE_BYTES_MAX: u64 = 4 << 20;

async fn unit(
    file: Option<PathBuf>,
    schema: Option<PathBuf>,
    own_profile: Option<PathBuf>,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    if let Some(file) = file {
        let mut unit = FinancialUnit::from_json(&input::read(&file, UNIT_FILE_BYTES_MAX)?)?;
        let text = |path: PathBuf| -> anyhow::Result<String> {
            String::from_utf8(input::read(&path, UNIT_FILE_BYTES_MAX)?)
                .map_err(|_| anyhow::anyhow!("{}: not valid UTF-8", path.display()))
        };
        if let Some(schema) = schema {
            unit.schema = Some(text(schema)?);
        }
        if let Some(profile) = own_profile {
            unit.own_profile = Some(text(profile)?);
        }
        let own = unit.own_profile.as_deref().unwrap_or_default();
        let known = goaml::PROFILES.iter().find(|p| p.0 == unit.profile);
        match (known, unit.profile.as_str()) {
            (Some(_), _) => {}
            (None, "own") => {
                goaml::check_profile(own).map_err(|why| anyhow::anyhow!("the profile: {why}"))?
            }
            (None, other) => {
                let names: Vec<&str> = goaml::PROFILES.iter().map(|p| p.0).collect();
                anyhow::bail!("profile {other} is none of {}, own", names.join(", "));
            }
        }
        if let Some(schema) = &unit.schema {
            // The document doesn't matter: this only checks that the schema itself can be read.
            goaml::check_document(schema, unit.schema_compat, "<report/>")
                .map_err(anyhow::Error::msg)?;
        }
        casework::set_financial_unit(&casework, &unit, &shell_user()).await?;
    }
    let Some(unit) = casework::financial_unit(&casework).await? else {
        let why = "no unit is set; `obhut settings unit --file unit.json` sets one (docs/goaml.md)";
        return Err(CaseworkError::Conflict {
            why: why.into(),
            next: None,
        }
        .into());
    };
    output.line(
        || {
            serde_json::json!({
                "profile": unit.profile, "entity_id": unit.entity_id, "local_currency": unit.local_currency,
                "schema": unit.schema.is_some(), "schema_compat": unit.schema_compat, "officer": unit.officer.is_some(),
            })
        },
        || {
            let schema = if unit.schema.is_some() { "validated against its schema" } else { "without a schema" };
            format!(
                "goAML {} for entity {}, amounts in {}, {schema}",
                unit.profile, unit.entity_id, unit.local_currency
            )
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

pub async fn audit(
    args: AuditArgs,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let casework = context.casework().await?;
    for row in casework::audit(&casework, args.subject.as_deref()).await? {
        output.line(
            || serde_json::to_value(&row).expect("a row is JSON"),
            || {
                format!(
                    "{}  {}  {}  {}  {}",
                    rfc3339(row.at),
                    row.actor,
                    row.act,
                    row.subject,
                    row.detail
                )
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

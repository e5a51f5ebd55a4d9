//! Which authorities receive a case, and on which legal basis: rows, not code.
//!
//! Invariant: only a route with a legal basis on record leads to a destination.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use obhut_facts::{Dossier, ServiceKind, Surface};
use serde::Serialize;

use crate::children::is_blank;
use crate::database::Columns;
use crate::policy::{Receiver, has_test_service};
use crate::{
    Casework, CaseworkError, FilingState, Person, Result, Role, audit, channels, dossier, ids,
    reports,
};

/// Under what circumstances an authority is notified. Empty fields mean any.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Route {
    /// Id; empty before it is recorded.
    pub id: String,
    /// The destination.
    pub destination: String,
    /// Country of the provider.
    pub provider_country: String,
    /// Country of the user.
    pub user_country: String,
    /// What sort of service.
    pub service: Option<ServiceKind>,
    /// The audience that the case's first file was meant for.
    pub surface: Option<Surface>,
    /// First day, YYYY-MM-DD (UTC).
    pub from: String,
    /// Last day, YYYY-MM-DD (UTC).
    pub until: String,
    /// The route doesn't apply if this destination has a draft or an approved report of the case,
    /// or gets one by another route.
    pub unless: String,
    /// The law and its section.
    pub basis: String,
}

/// Routes we know of. None is in force until a person records it with its legal basis. Laws change:
/// have counsel confirm each.
pub const PROPOSALS: &[Proposal] = &[
    Proposal {
        destination: "ncmec",
        provider_country: "US",
        from: "2024-05-07",
        unless: "",
        basis: "18 USC 2258A(a), PL 118-59",
    },
    Proposal {
        destination: "package-bka",
        provider_country: "DE",
        from: "2024-02-17",
        unless: "",
        basis: "Regulation (EU) 2022/2065 (DSA), art. 18",
    },
    Proposal {
        destination: "package-nca",
        provider_country: "GB",
        from: "2026-04-07",
        unless: "ncmec",
        basis: "Online Safety Act 2023 s. 66, SI 2026/268",
    },
];

/// A proposed route, not recorded yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Proposal {
    /// The destination.
    pub destination: &'static str,
    /// Country of the provider.
    pub provider_country: &'static str,
    /// First day it can hold.
    pub from: &'static str,
    /// Like [`Route::unless`].
    pub unless: &'static str,
    /// The law it would be based on.
    pub basis: &'static str,
}

/// Where a case goes, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Routing {
    /// The route to each destination that receives the case.
    pub to: Vec<Route>,
    /// For each destination that is spared, the first of its routes, with the reason.
    pub spared: Vec<(Route, String)>,
}

/// What is known about destinations when a case is routed.
#[derive(Clone, Copy, Default, Debug)]
pub struct Receivers<'a> {
    /// Destinations for which the case has a draft or an approved report that isn't filed with a
    /// test service.
    pub notified: &'a [String],
    /// Destinations whose reports go to a test service today.
    pub test: &'a [String],
}

/// The destinations of a case according to `routes`, oldest first, on the day (UTC) its dossier was
/// made. Pure.
pub fn routing(routes: &[Route], dossier: &Dossier, known: &Receivers<'_>) -> Routing {
    let facts = dossier.facts.expose();
    let place = facts.jurisdiction.clone().unwrap_or_default();
    let located = facts
        .reported
        .as_ref()
        .and_then(|a| a.location.as_ref())
        .and_then(|l| l.country.clone());
    let user = place.user_country.or(located).unwrap_or_default();
    let provider = place.provider_country.unwrap_or_default();
    let day = jiff::Timestamp::from_microsecond(dossier.made_at)
        .map(|t| t.to_zoned(TimeZone::UTC).date().to_string())
        .unwrap_or_default();
    // A case whose files have several surfaces is routed by its first one.
    let surface = dossier.files.first().map(|f| f.surface);
    let any = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
    // Days compare as text, because `add_route` takes only YYYY-MM-DD.
    let holds = |r: &&Route| {
        any(&r.provider_country, &provider)
            && any(&r.user_country, &user)
            && r.service.is_none_or(|s| place.service == Some(s))
            && r.surface.is_none_or(|s| surface == Some(s))
            && (r.from.is_empty() || r.from <= day)
            && (r.until.is_empty() || day <= r.until)
            && !r.basis.trim().is_empty()
    };
    let found: Vec<&Route> = routes.iter().filter(holds).collect();
    let mut by = BTreeMap::new();
    // Newest first, so that of two routes that exclude each other the older one is chosen.
    for route in found.iter().rev() {
        receives(&route.destination, &found, known, &mut by);
    }
    let (mut to, mut spared) = (Vec::<Route>::new(), Vec::<(Route, String)>::new());
    for (n, route) in found.iter().enumerate() {
        // A case goes to each authority once.
        match by[&route.destination] {
            Some(chosen) if chosen == n => to.push((*route).clone()),
            None if spared
                .iter()
                .all(|(r, _)| r.destination != route.destination) =>
            {
                let why = format!("{} receives the case", route.unless);
                spared.push(((*route).clone(), why));
            }
            _ => {}
        }
    }
    Routing { to, spared }
}

/// Whether a destination receives the case: one of the routes to it applies. `by` holds the route
/// chosen for each destination: one without `unless` if there is any, otherwise the oldest that
/// applies. A destination that is being decided counts as one that doesn't receive the case, so of
/// routes that exclude one another in a circle at least one stays.
fn receives(
    destination: &str,
    found: &[&Route],
    known: &Receivers<'_>,
    by: &mut BTreeMap<String, Option<usize>>,
) -> bool {
    if let Some(decided) = by.get(destination) {
        return decided.is_some();
    }
    by.insert(destination.to_owned(), None);
    let to_it = || (0..found.len()).filter(|n| found[*n].destination == destination);
    // A route without `unless` first, because it applies whatever other destinations receive.
    let plain = to_it().find(|n| found[*n].unless.is_empty());
    let chosen = plain.or_else(|| to_it().find(|n| applies(found[*n], found, known, by)));
    by.insert(destination.to_owned(), chosen);
    chosen.is_some()
}

/// Whether a route applies: it doesn't if the destination in its `unless` receives the case. A test
/// service doesn't count, because no authority receives what is sent there.
fn applies(
    route: &Route,
    found: &[&Route],
    known: &Receivers<'_>,
    by: &mut BTreeMap<String, Option<usize>>,
) -> bool {
    let unless = &route.unless;
    // Neither our own system nor the public is an authority.
    if unless.is_empty() || Receiver::of(unless) != Receiver::Authority {
        return true;
    }
    let is_test = known.test.contains(unless);
    let will_receive = !is_test && receives(unless, found, known, by);
    !known.notified.contains(unless) && !will_receive
}

/// The routes on record, oldest first.
pub async fn routes(casework: &Casework) -> Result<Vec<Route>> {
    let rows = sqlx::query(
        "SELECT id, destination, provider_country, user_country, service, surface, from_day, until_day, unless_destination, basis FROM routes ORDER BY recorded_at, id",
    )
    .fetch_all(casework.db.pool())
    .await?;
    rows.iter()
        .map(|row| {
            let mut c = Columns::of(row);
            Ok(Route {
                id: c.text()?,
                destination: c.text()?,
                provider_country: c.text()?,
                user_country: c.text()?,
                service: ServiceKind::from_word(&c.text()?),
                surface: Surface::from_word(&c.text()?),
                from: c.text()?,
                until: c.text()?,
                unless: c.text()?,
                basis: c.text()?,
            })
        })
        .collect()
}

/// Puts a route on record and returns its id; it applies from now on. `route.id` is ignored.
///
/// # Errors
/// Denied without the role administrator. Invalid without a destination or a legal basis, for a
/// country that isn't two capital letters, for a day that isn't YYYY-MM-DD, for a last day before
/// the first, and if `unless` is the route's own destination.
pub async fn add_route(casework: &Casework, route: &Route, person: &Person) -> Result<String> {
    person.require(Role::Administrator)?;
    if is_blank(&route.basis) || route.destination.is_empty() {
        return Err(CaseworkError::invalid(
            "destination",
            "a route needs its destination and its legal basis",
        ));
    }
    let country =
        |c: &str| c.is_empty() || c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase());
    if !country(&route.provider_country) || !country(&route.user_country) {
        return Err(CaseworkError::invalid(
            "country",
            "a country is two capital letters (ISO 3166-1)",
        ));
    }
    for day in [&route.from, &route.until] {
        if !day.is_empty() && (day.len() != 10 || day.parse::<jiff::civil::Date>().is_err()) {
            return Err(CaseworkError::invalid("day", "a day is written YYYY-MM-DD"));
        }
    }
    if !route.from.is_empty() && !route.until.is_empty() && route.until < route.from {
        return Err(CaseworkError::invalid(
            "day",
            "the last day is before the first",
        ));
    }
    if route.unless == route.destination {
        return Err(CaseworkError::invalid(
            "unless",
            "a route can't be spared because of its own destination",
        ));
    }
    let id = ids::new("route");
    let mut tx = casework.db.begin().await?;
    sqlx::query(
        "INSERT INTO routes (id, destination, provider_country, user_country, service, surface, from_day, until_day, unless_destination, basis, recorded_by, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&id)
    .bind(&route.destination)
    .bind(&route.provider_country)
    .bind(&route.user_country)
    .bind(route.service.map_or("", ServiceKind::word))
    .bind(route.surface.map_or("", Surface::word))
    .bind(&route.from)
    .bind(&route.until)
    .bind(&route.unless)
    .bind(&route.basis)
    .bind(&person.id)
    .bind(casework.now())
    .execute(&mut *tx)
    .await?;
    audit::write(
        &mut tx,
        casework.now(),
        &person.id,
        "route.add",
        &id,
        &route.destination,
    )
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// Deletes a route. Reports that were made because of it stay.
///
/// # Errors
/// Denied without the role administrator; not found for an unknown route.
pub async fn remove_route(casework: &Casework, id: &str, person: &Person) -> Result<()> {
    person.require(Role::Administrator)?;
    let mut tx = casework.db.begin().await?;
    let gone = sqlx::query("DELETE FROM routes WHERE id = $1")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    if gone.rows_affected() == 0 {
        return Err(CaseworkError::NotFound {
            what: "route",
            id: id.to_owned(),
        });
    }
    audit::write(&mut tx, casework.now(), &person.id, "route.remove", id, "").await?;
    tx.commit().await?;
    Ok(())
}

/// True if what is sent to this destination goes to its test service.
async fn is_in_test(casework: &Casework, destination: &str) -> Result<bool> {
    Ok(
        has_test_service(destination)
            && !channels::channel(casework, destination).await?.production,
    )
}

/// Where a case goes, by the routes on record today.
pub async fn routing_for(casework: &Casework, case: &str) -> Result<Routing> {
    let mut notified = Vec::new();
    for report in reports::report_rows(casework, Some(case)).await? {
        if !matches!(report.status.as_str(), "draft" | "approved") {
            continue;
        }
        // No authority receives what only a test service has or will get.
        let for_test = match crate::filings::filing(casework, &report.id).await? {
            // Until a worker has begun it, it belongs to no service.
            Some(filing) if filing.state != FilingState::Waiting => filing.test,
            _ => is_in_test(casework, &report.destination).await?,
        };
        if !for_test {
            notified.push(report.destination);
        }
    }
    let dossier = dossier::dossier(casework, case, false).await?;
    let routes = self::routes(casework).await?;
    let mut test = Vec::new();
    for route in &routes {
        let unless = &route.unless;
        if is_in_test(casework, unless).await? {
            test.push(unless.clone());
        }
    }
    let known = Receivers {
        notified: &notified,
        test: &test,
    };
    Ok(routing(&routes, &dossier, &known))
}

#[cfg(test)]
mod tests {
    use obhut_facts::{Facts, Jurisdiction};

    use super::*;

    /// 2026-11-22T00:00:00Z.
    const DAY: i64 = 1_795_305_600_000_000;

    fn route(destination: &str) -> Route {
        Route {
            destination: destination.into(),
            basis: "a law".into(),
            ..Route::default()
        }
    }

    fn case(provider: &str, user: &str) -> Dossier {
        let facts = Facts {
            jurisdiction: Some(Jurisdiction {
                provider_country: (!provider.is_empty()).then(|| provider.into()),
                user_country: (!user.is_empty()).then(|| user.into()),
                service: Some(ServiceKind::Messaging),
            }),
            ..Facts::default()
        };
        Dossier {
            found_at: DAY,
            made_at: DAY,
            ..Dossier::of("case-1", facts)
        }
    }

    /// A route, a case, and whether the case goes there.
    #[test]
    fn a_route_applies_only_where_every_condition_holds() {
        let with = |change: fn(&mut Route)| {
            let mut r = route("a");
            change(&mut r);
            r
        };
        for (what, route, expected) in [
            ("no condition", with(|_| {}), true),
            ("no basis", with(|r| r.basis = "  ".into()), false),
            (
                "the provider's country",
                with(|r| r.provider_country = "DE".into()),
                true,
            ),
            (
                "another provider's",
                with(|r| r.provider_country = "US".into()),
                false,
            ),
            (
                "the user's country",
                with(|r| r.user_country = "FR".into()),
                true,
            ),
            (
                "another user's",
                with(|r| r.user_country = "DE".into()),
                false,
            ),
            (
                "the service",
                with(|r| r.service = Some(ServiceKind::Messaging)),
                true,
            ),
            (
                "another service",
                with(|r| r.service = Some(ServiceKind::Hosting)),
                false,
            ),
            (
                "a surface, of a case without files",
                with(|r| r.surface = Some(Surface::Public)),
                false,
            ),
            ("from today", with(|r| r.from = "2026-11-22".into()), true),
            (
                "from tomorrow",
                with(|r| r.from = "2026-11-23".into()),
                false,
            ),
            ("until today", with(|r| r.until = "2026-11-22".into()), true),
            (
                "until yesterday",
                with(|r| r.until = "2026-11-21".into()),
                false,
            ),
        ] {
            let routing = routing(&[route], &case("DE", "FR"), &Receivers::default());
            assert_eq!(!routing.to.is_empty(), expected, "{what}");
        }
    }

    #[test]
    fn an_authority_is_spared_where_another_has_the_case() {
        let mut nca = route("nca");
        nca.unless = "ncmec".into();
        let to = |routes: &[Route], notified: &[&str]| {
            let notified: Vec<String> = notified.iter().map(|n| (*n).to_owned()).collect();
            let known = Receivers {
                notified: &notified,
                test: &[],
            };
            let routing = routing(routes, &case("GB", ""), &known);
            let names: Vec<_> = routing.to.iter().map(|r| r.destination.clone()).collect();
            (names.join(" "), routing.spared.len())
        };
        assert_eq!(to(&[nca.clone()], &[]), ("nca".into(), 0));
        assert_eq!(to(&[nca.clone(), route("ncmec")], &[]), ("ncmec".into(), 1));
        assert_eq!(to(&[nca.clone()], &["ncmec"]), (String::new(), 1));
        assert_eq!(to(&[nca.clone()], &["bka"]), ("nca".into(), 0));
        // Routes that exclude each other: the authority of the older one has the case.
        let mut ncmec = route("ncmec");
        ncmec.unless = "nca".into();
        let mutual = [nca.clone(), ncmec.clone()];
        assert_eq!(to(&mutual, &[]), ("nca".into(), 1));
        // A destination that is spared spares no other: the BKA has the case, so NCMEC doesn't
        // receive it, and the NCA does.
        ncmec.unless = "bka".into();
        let chain = [nca.clone(), ncmec, route("bka")];
        assert_eq!(to(&chain, &[]), ("nca bka".into(), 1));
        // Two routes to one destination are one report.
        assert_eq!(to(&[route("bka"), route("bka")], &[]), ("bka".into(), 0));
        // A destination is spared only if every route to it is.
        let mut unless = route("ncmec");
        unless.unless = "bka".into();
        let three = [unless, route("bka"), route("ncmec")];
        assert_eq!(to(&three, &[]), ("bka ncmec".into(), 0));
        // Two destinations that exclude each other; one of them also has a route without `unless`.
        let mut vics = route("vics");
        vics.unless = "package".into();
        let mut package = route("package");
        package.unless = "vics".into();
        let three = [vics, package, route("vics")];
        assert_eq!(to(&three, &[]), ("vics".into(), 1));
        // A statement to the public isn't a report of the case.
        let mut package = route("package");
        package.unless = "dsa-statement".into();
        let both = [package, route("dsa-statement")];
        assert_eq!(to(&both, &["dsa-statement"]).0, "package dsa-statement");
        // A test service isn't an authority that has received it.
        let test = Receivers {
            notified: &[],
            test: &["ncmec".to_owned()],
        };
        let found = routing(&[nca, route("ncmec")], &case("GB", ""), &test);
        assert_eq!((found.to.len(), found.spared.len()), (2, 0));
        // No choice satisfies a circle of three; one authority too many receives the case, rather
        // than one too few.
        let circle = ["a", "b", "c"].map(|to| Route {
            unless: match to {
                "a" => "b".into(),
                "b" => "c".into(),
                _ => "a".into(),
            },
            ..route(to)
        });
        assert_eq!(to(&circle, &[]).0.split(' ').count(), 2);
    }

    #[test]
    fn without_a_known_country_only_general_routes_apply() {
        let mut german = route("bka");
        german.provider_country = "DE".into();
        let found = routing(&[german, route("a")], &case("", ""), &Receivers::default());
        assert_eq!(found.to.len(), 1);
        assert_eq!(found.to[0].destination, "a");
    }
}

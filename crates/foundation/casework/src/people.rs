//! People with names and roles. Every signature, decision and view of an exhibit is made under a
//! person's name.

use obhut_facts::words;

use crate::authorize::{Action, Actor, State, authorize};
use crate::database::{Columns, Tx};
use crate::{Casework, CaseworkError, Next, Result, api_keys, audit, changes, ids};

/// Longest name, in characters. Our judgement.
const NAME_CHARS_MAX: usize = 100;

words! {
    /// What a person may do.
    Role {
        /// Imports, signs and disputes hash lists.
        ListSteward = "list-steward",
        /// Sees exhibits and decides cases.
        Reviewer = "reviewer",
        /// Approves reports and sends them.
        ReportingOfficer = "reporting-officer",
        /// Sets up destinations, routes and the platform, and records legal bases.
        Administrator = "administrator",
        /// Reads the audit trail.
        Auditor = "auditor",
        /// Admits and decides appeals, and nothing else; may be an outside person.
        Appeals = "appeals",
    }
}

/// A person on record.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Person {
    /// Id.
    pub id: String,
    /// Name as first written.
    pub name: String,
    /// Roles, in the order of [`Role::ALL`].
    pub roles: Vec<Role>,
    /// True if the person was removed. Their past acts stay on record; they can no longer act.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

impl Person {
    /// Fails unless the person has one of these roles and isn't removed. Panics if `roles` is
    /// empty.
    pub fn require_one(&self, roles: &[Role]) -> Result<()> {
        match roles.iter().find(|r| self.roles.contains(r)) {
            Some(role) => self.require(*role),
            // The error names the first role: the one whose holders usually do this.
            None => self.require(roles[0]),
        }
    }

    /// Fails unless the person has the role and isn't removed; the error says what is missing.
    pub fn require(&self, role: Role) -> Result<()> {
        if self.removed {
            return Err(CaseworkError::denied(format!(
                "{} has been removed and can no longer act",
                self.name
            )));
        }
        if self.roles.contains(&role) {
            return Ok(());
        }
        Err(
            CaseworkError::denied(format!("{} has no role {role}", self.name)).then(
                Next::GiveRole {
                    person: self.name.clone(),
                    role: role.word(),
                },
            ),
        )
    }
}

/// What was granted to a command-line user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Granted {
    /// Nothing: the person had a role that suffices, or was removed.
    Nothing,
    /// The role.
    Role,
    /// The person, with the role: they weren't on record before.
    Added,
}

/// The name in lower case with single spaces: two spellings of one name must not count as two
/// people.
fn folded(name: &str) -> String {
    name.split_whitespace()
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ")
}

/// True if the name has only letters, digits, spaces and a few signs, and doesn't mix Latin letters
/// with Greek, Cyrillic, Cherokee or full-width ones, which look alike. A whole name in one of
/// these scripts can still look like a Latin one.
fn readable(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " .'’-–(),_@".contains(c);
    // Latin letters up to Extended-B; then Greek and Cyrillic, Cherokee, and full-width forms.
    let latin = |c: &char| matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}');
    let others = |c: &char| matches!(c, '\u{370}'..='\u{52f}' | '\u{13a0}'..='\u{13ff}' | '\u{ff00}'..='\u{ffef}');
    // Combining accents are not alphanumeric: a decomposed é cannot pass for a composed one.
    name.chars().all(plain)
        && !(name.chars().any(|c| latin(&c)) && name.chars().any(|c| others(&c)))
}

/// A person's name as it will be on record, with single blanks.
///
/// # Errors
/// Invalid for an empty, too long or unreadable name.
pub fn check_name(name: &str) -> Result<String> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || !readable(&name) {
        return Err(CaseworkError::invalid(
            "name",
            format!(
                "a name has 1 to {NAME_CHARS_MAX} characters: letters of one alphabet, digits, spaces and . ' ’ - – ( ) , _ @"
            ),
        ));
    }
    Ok(name)
}

/// Adds a person, or adds roles to one on record. Reinstates one who was removed, without the
/// former keys and with only these roles.
///
/// # Errors
/// Invalid for an empty, too long or unreadable name.
pub async fn add_person(
    casework: &Casework,
    name: &str,
    roles: &[Role],
    actor: &str,
) -> Result<Person> {
    let name = check_name(name)?;
    let mut tx = casework.db.begin().await?;
    let known = find(&mut tx, &name).await?;
    // Audited here, because a person may be added without any role.
    let act = match &known {
        None => Some("person.add"),
        Some((.., removed)) => removed.then_some("person.reinstate"),
    };
    let id = match known {
        Some((id, ..)) => {
            // Adding a removed person reinstates them.
            sqlx::query("UPDATE people SET removed_at = NULL WHERE id = $1")
                .bind(&id)
                .execute(&mut *tx)
                .await?;
            id
        }
        None => {
            let id = ids::new("person");
            sqlx::query("INSERT INTO people (id, name, folded, added_at) VALUES ($1, $2, $3, $4)")
                .bind(&id)
                .bind(&name)
                .bind(folded(&name))
                .bind(casework.now())
                .execute(&mut *tx)
                .await?;
            id
        }
    };
    if let Some(act) = act {
        audit::write(&mut tx, casework.now(), actor, act, &id, "").await?;
    }
    for role in roles {
        let given = sqlx::query(
            "INSERT INTO people_roles (person, role) VALUES ($1, $2) ON CONFLICT (person, role)
             DO UPDATE SET withdrawn_at = NULL WHERE people_roles.withdrawn_at IS NOT NULL",
        )
        .bind(&id)
        .bind(role.word())
        .execute(&mut *tx)
        .await?;
        // No row for a role that was already held.
        if given.rows_affected() > 0 {
            audit::write(
                &mut tx,
                casework.now(),
                actor,
                "person.role",
                &id,
                role.word(),
            )
            .await?;
        }
    }
    tx.commit().await?;
    self::person(casework, &name).await
}

/// The person with this name or id, even if removed.
pub async fn person(casework: &Casework, name: &str) -> Result<Person> {
    let mut tx = casework.db.snapshot().await?;
    let (id, name, removed) =
        find(&mut tx, name)
            .await?
            .ok_or_else(|| CaseworkError::NotFound {
                what: "person",
                id: name.to_owned(),
            })?;
    let roles = roles(&mut tx, &id).await?;
    Ok(Person {
        id,
        name,
        roles,
        removed,
    })
}

/// Resolves and authorises the person a command acts as. Shell access already means access to the
/// data and the right to grant roles. So an unknown person is added, and a missing role is granted
/// unless it was withdrawn from this person.
///
/// # Errors
/// [`CaseworkError::Denied`] for a removed person, and for one from whom the role was withdrawn.
/// [`CaseworkError::Invalid`] for an unknown person whose name [`add_person`] refuses.
pub async fn person_at_the_shell(
    casework: &Casework,
    name: &str,
    action: Action,
) -> Result<(Person, Granted)> {
    let gate = action.gate();
    // The first role of the row is the one to grant.
    let role = gate.roles[0];
    let (person, granted) = match self::person(casework, name).await {
        // A removed person is refused by `authorize` below, with the true reason.
        Ok(known) if known.removed || gate.roles.iter().any(|r| known.roles.contains(r)) => {
            (known, Granted::Nothing)
        }
        Ok(known) => {
            require_never_withdrawn(casework, &known, role).await?;
            let person = add_person(casework, &known.name, &[role], "command line").await?;
            (person, Granted::Role)
        }
        Err(CaseworkError::NotFound { .. }) => {
            let person = add_person(casework, name, &[role], "command line").await?;
            (person, Granted::Added)
        }
        Err(e) => return Err(e),
    };
    authorize(&Actor::Shell(&person), action, State::Any)?;
    Ok((person, granted))
}

/// Takes back what [`person_at_the_shell`] granted, because the command was refused. Afterwards
/// roles and people are as they were before the command, and the audit trail has both steps. A
/// person who was added stays if they have got any other role since, even one that was withdrawn.
pub async fn take_back_grant(
    casework: &Casework,
    person: &Person,
    role: Role,
    granted: Granted,
) -> Result<()> {
    if granted == Granted::Nothing {
        return Ok(());
    }
    let mut tx = casework.db.begin().await?;
    let gone = sqlx::query(
        "DELETE FROM people_roles WHERE person = $1 AND role = $2 AND withdrawn_at IS NULL",
    )
    .bind(&person.id)
    .bind(role.word())
    .execute(&mut *tx)
    .await?;
    if gone.rows_affected() == 0 {
        return Ok(());
    }
    let now = casework.now();
    audit::write(
        &mut tx,
        now,
        "command line",
        "person.role.taken-back",
        &person.id,
        role.word(),
    )
    .await?;
    tx.commit().await?;
    if granted == Granted::Added {
        // Another process may have given the person a role in between.
        let unused = "DELETE FROM people WHERE id = $1
            AND NOT EXISTS (SELECT 1 FROM people_roles WHERE person = $1)";
        let mut tx = casework.db.begin().await?;
        sqlx::query(unused)
            .bind(&person.id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn require_never_withdrawn(casework: &Casework, known: &Person, role: Role) -> Result<()> {
    let row = sqlx::query("SELECT withdrawn_at FROM people_roles WHERE person = $1 AND role = $2")
        .bind(&known.id)
        .bind(role.word())
        .fetch_optional(casework.db.pool())
        .await?;
    // Any row means withdrawn: callers come here only if the role is missing.
    if row.is_none() {
        return Ok(());
    }
    Err(
        CaseworkError::denied(format!("the role {role} was withdrawn from {}", known.name)).then(
            Next::GiveRole {
                person: known.name.clone(),
                role: role.word(),
            },
        ),
    )
}

/// Removes a person: withdraws every role and revokes every key. Their past acts stay on record.
/// Returns the removed person and the number of revoked keys. A conflict if already removed.
pub async fn remove_person(casework: &Casework, name: &str, actor: &str) -> Result<(Person, u64)> {
    let person = self::person(casework, name).await?;
    let now = casework.now();
    let mut tx = casework.db.begin().await?;
    let done =
        sqlx::query("UPDATE people SET removed_at = $1 WHERE id = $2 AND removed_at IS NULL")
            .bind(now)
            .bind(&person.id)
            .execute(&mut *tx)
            .await?;
    if done.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "{} has already been removed",
            person.name
        )));
    }
    sqlx::query(
        "UPDATE people_roles SET withdrawn_at = $1 WHERE person = $2 AND withdrawn_at IS NULL",
    )
    .bind(now)
    .bind(&person.id)
    .execute(&mut *tx)
    .await?;
    let keys = api_keys::revoke_all_of(&mut tx, now, &person.id).await?;
    let detail = format!("{keys} keys revoked");
    audit::write(&mut tx, now, actor, "person.remove", &person.id, &detail).await?;
    // Servers must drop the revoked keys from memory.
    changes::note(&mut tx).await?;
    tx.commit().await?;
    Ok((self::person(casework, &person.id).await?, keys))
}

/// Withdraws a role from a person. If a command needs a role that was withdrawn, it isn't granted
/// again, unlike one that the person never had. A conflict if the person doesn't have the role.
pub async fn withdraw_role(
    casework: &Casework,
    name: &str,
    role: Role,
    actor: &str,
) -> Result<Person> {
    let person = self::person(casework, name).await?;
    let mut tx = casework.db.begin().await?;
    let done = sqlx::query("UPDATE people_roles SET withdrawn_at = $1 WHERE person = $2 AND role = $3 AND withdrawn_at IS NULL")
        .bind(casework.now())
        .bind(&person.id)
        .bind(role.word())
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Err(CaseworkError::conflict(format!(
            "{} doesn't have the role {role}",
            person.name
        )));
    }
    audit::write(
        &mut tx,
        casework.now(),
        actor,
        "person.withdraw",
        &person.id,
        role.word(),
    )
    .await?;
    tx.commit().await?;
    self::person(casework, &person.id).await
}

/// The people on record, sorted by name, without removed ones.
pub async fn people(casework: &Casework) -> Result<Vec<Person>> {
    let mut tx = casework.db.snapshot().await?;
    let rows = sqlx::query("SELECT id, name FROM people WHERE removed_at IS NULL ORDER BY folded")
        .fetch_all(&mut *tx)
        .await?;
    let mut people = Vec::new();
    for row in &rows {
        let mut c = Columns::of(row);
        let (id, name) = (c.text()?, c.text()?);
        let roles = roles(&mut tx, &id).await?;
        people.push(Person {
            id,
            name,
            roles,
            removed: false,
        });
    }
    Ok(people)
}

/// Id, name, and whether they were removed.
async fn find(tx: &mut Tx, name: &str) -> Result<Option<(String, String, bool)>> {
    let row = sqlx::query("SELECT id, name, removed_at FROM people WHERE folded = $1 OR id = $2")
        .bind(folded(name))
        .bind(name)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| {
        let mut c = Columns::of(&row);
        Ok((c.text()?, c.text()?, c.maybe_int()?.is_some()))
    })
    .transpose()
}

async fn roles(tx: &mut Tx, id: &str) -> Result<Vec<Role>> {
    let rows =
        sqlx::query("SELECT role FROM people_roles WHERE person = $1 AND withdrawn_at IS NULL")
            .bind(id)
            .fetch_all(&mut **tx)
            .await?;
    let mut roles: Vec<Role> = rows
        .iter()
        .map(|r| Columns::of(r).word(Role::from_word, "role"))
        .collect::<Result<_>>()?;
    roles.sort_unstable();
    Ok(roles)
}

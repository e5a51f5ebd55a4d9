//! People with names and roles. Every signature, decision and reading is some person's.

use crate::database::{Columns, Step, Tx, words};
use crate::{Casework, CaseworkError, Result, audit, ids};

pub(crate) const STEPS: &[Step] = &[Step {
    number: 2,
    sql: &[
        "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, added_at BIGINT NOT NULL)",
        "CREATE TABLE people_roles (person TEXT NOT NULL REFERENCES people(id), role TEXT NOT NULL, PRIMARY KEY (person, role))",
    ],
}];

/// Longest name, in characters.
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
        /// Records legal bases and gives out keys.
        Administrator = "administrator",
        /// Reads the audit trail.
        Auditor = "auditor",
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
}

impl Person {
    /// An error that says what is missing, unless the person has the role.
    pub fn require(&self, role: Role) -> Result<()> {
        if self.roles.contains(&role) {
            return Ok(());
        }
        Err(CaseworkError::refused(format!(
            "{} has no role {role}; `obhut person add \"{}\" --role {role}` gives it",
            self.name, self.name
        )))
    }
}

/// Two spellings of one name must not count as two people.
fn folded(name: &str) -> String {
    name.split_whitespace()
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Two people must not look like one, nor one like two: nothing invisible, one alphabet a name.
fn readable(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " .'’-–(),_@".contains(c);
    let latin = |c: &char| matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}');
    let others = |c: &char| matches!(c, '\u{370}'..='\u{52f}' | '\u{13a0}'..='\u{13ff}' | '\u{ff00}'..='\u{ffef}');
    name.chars().all(plain)
        && !(name.chars().any(|c| latin(&c)) && name.chars().any(|c| others(&c)))
}

impl Casework {
    /// Adds a person, or a role to one on record.
    pub async fn add_person(&self, name: &str, roles: &[Role], actor: &str) -> Result<Person> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || !readable(&name) {
            return Err(CaseworkError::refused(format!(
                "a name has 1 to {NAME_CHARS_MAX} characters: letters of one alphabet, digits, spaces and . ' - ( ) , _ @"
            )));
        }
        let mut tx = self.db.begin().await?;
        let known = find(&mut tx, &name).await?;
        let id = match known {
            Some((id, _)) => id,
            None => {
                let id = ids::new("person");
                sqlx::query(
                    "INSERT INTO people (id, name, folded, added_at) VALUES ($1, $2, $3, $4)",
                )
                .bind(&id)
                .bind(&name)
                .bind(folded(&name))
                .bind(self.now())
                .execute(&mut *tx)
                .await?;
                id
            }
        };
        for role in roles {
            let given = sqlx::query(
                "INSERT INTO people_roles (person, role) VALUES ($1, $2) ON CONFLICT (person, role) DO NOTHING",
            )
            .bind(&id)
            .bind(role.word())
            .execute(&mut *tx)
            .await?;
            if given.rows_affected() > 0 {
                audit::write(&mut tx, self.now(), actor, "person.role", &id, role.word()).await?;
            }
        }
        tx.commit().await?;
        self.person(&name).await
    }

    /// The person of that name or id.
    pub async fn person(&self, name: &str) -> Result<Person> {
        let mut tx = self.db.snapshot().await?;
        let (id, name) = find(&mut tx, name)
            .await?
            .ok_or_else(|| CaseworkError::NotFound {
                what: "person",
                id: name.to_owned(),
                hint: "`obhut person list` shows everybody, `obhut person add` adds somebody",
            })?;
        let roles = roles(&mut tx, &id).await?;
        Ok(Person { id, name, roles })
    }

    /// Everybody, by name.
    pub async fn people(&self) -> Result<Vec<Person>> {
        let mut tx = self.db.snapshot().await?;
        let rows = sqlx::query("SELECT id, name FROM people ORDER BY folded")
            .fetch_all(&mut *tx)
            .await?;
        let mut people = Vec::new();
        for row in &rows {
            let mut c = Columns::of(row);
            let (id, name) = (c.text()?, c.text()?);
            let roles = roles(&mut tx, &id).await?;
            people.push(Person { id, name, roles });
        }
        Ok(people)
    }
}

async fn find(tx: &mut Tx, name: &str) -> Result<Option<(String, String)>> {
    let row = sqlx::query("SELECT id, name FROM people WHERE folded = $1 OR id = $2")
        .bind(folded(name))
        .bind(name)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| {
        let mut c = Columns::of(&row);
        Ok((c.text()?, c.text()?))
    })
    .transpose()
}

async fn roles(tx: &mut Tx, id: &str) -> Result<Vec<Role>> {
    let rows = sqlx::query("SELECT role FROM people_roles WHERE person = $1")
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

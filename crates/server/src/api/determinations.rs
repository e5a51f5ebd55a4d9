//! `/v1/cases/{case}/determinations`: a person's answers to questions that a destination asks and
//! no program can answer.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use obhut_app::casework::{self, Act, Determination, Question, Right, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DetermineBody {
    /// `offence-de`, `threat-de`, `link-uk` or `ground-dsa`.
    question: String,
    /// The answers, each a word that the question allows, for example `yes` or `184b`. Any other
    /// word is refused with a list of the allowed ones.
    answers: Vec<String>,
    /// Why.
    grounds: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeterminationBody {
    /// The question's word, as in the request.
    #[schema(value_type = String)]
    question: &'static str,
    answers: Vec<String>,
    /// The answers in the language of the destination.
    texts: Vec<String>,
    grounds: String,
    /// Who determined it.
    name: String,
    /// RFC 3339.
    determined_at: String,
}

impl DeterminationBody {
    fn of(made: Determination) -> Self {
        Self {
            question: made.question.word(),
            texts: made.texts(),
            answers: made.answers,
            grounds: made.grounds,
            name: made.name,
            determined_at: rfc3339(made.determined_at),
        }
    }
}

/// Record how the key's person answers a question that a destination asks. Replaces an earlier
/// answer to the same question.
#[utoipa::path(post, path = "/v1/cases/{case}/determinations", params(("case" = String, Path)), request_body = DetermineBody, responses((status = 200, body = DeterminationBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without a person"), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "A value isn't valid"), (status = 409, body = ErrorBody, description = "The person was cleared")), security(("key" = [])))]
pub(crate) async fn determine(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
    body: Result<Object<DetermineBody>, Fault>,
) -> Result<Json<DeterminationBody>, Fault> {
    let person = access::acting(&app, &headers, Act::Determine).await?;
    let Object(body) = body?;
    let question = Question::from_word(&body.question).ok_or_else(|| {
        let all: Vec<_> = Question::ALL.iter().map(|q| q.word()).collect();
        Fault::bad_request(format!("question is one of {}", all.join(", ")))
    })?;
    let made = casework::determine(
        &app.casework,
        &case,
        &person,
        question,
        &body.answers,
        &body.grounds,
    )
    .await?;
    Ok(Json(DeterminationBody::of(made)))
}

/// What people determined about a case: the latest answer to each question.
#[utoipa::path(get, path = "/v1/cases/{case}/determinations", params(("case" = String, Path)), responses((status = 200, body = Vec<DeterminationBody>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)), security(("key" = [])))]
pub(crate) async fn determined(
    State(app): State<App>,
    Path(case): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<DeterminationBody>>, Fault> {
    access::require(&app, &headers, Right::Cases).await?;
    // An unknown case is answered as unknown, not as one without answers.
    casework::case(&app.casework, &case).await?;
    let made = casework::determinations(&app.casework, &case).await?;
    Ok(Json(made.into_iter().map(DeterminationBody::of).collect()))
}

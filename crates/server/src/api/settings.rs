//! `/v1/settings/reporter`: the provider as it appears in its reports.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use obhut_app::casework::{self, Act, NcaDuty, Reporter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{ErrorBody, Fault};
use crate::object::Object;
use crate::{App, access};

/// The provider's data. In a request, an omitted field keeps its value and `""` deletes it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReporterBody {
    /// The service's name.
    service: Option<String>,
    /// Given name of the person who reports.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// E-mail; the CyberTipline requires one.
    email: Option<String>,
    /// E-mail of the contact for law enforcement, if that is another person.
    contact_email: Option<String>,
    /// Text included in every report that has a place for it: how to serve legal process, how long
    /// data are retained.
    company_template: Option<String>,
    /// Terms of service that apply.
    terms_of_service: Option<String>,
    /// Page for law enforcement.
    legal_url: Option<String>,
    /// Reference of the Industry Hash Sharing agreement with NCMEC. Never sent.
    industry_agreement: Option<String>,
    /// The duty to report to the National Crime Agency: `uk-provider` or `non-uk-provider`. Of the
    /// two, only `uk-provider` is stated in a report: in the agency's package.
    nca_duty: Option<String>,
    /// Who established that no arrangement under section 70(5) of the Online Safety Act 2023 covers the content.
    /// Never sent.
    nca_unreported: Option<String>,
}

impl ReporterBody {
    fn of(r: Reporter) -> Self {
        Self {
            service: Some(r.service),
            first_name: Some(r.first_name),
            last_name: Some(r.last_name),
            email: Some(r.email),
            contact_email: Some(r.contact_email),
            company_template: Some(r.company_template),
            terms_of_service: Some(r.terms_of_service),
            legal_url: Some(r.legal_url),
            industry_agreement: Some(r.industry_agreement),
            nca_duty: r.nca_duty.map(|d| d.word().to_owned()),
            nca_unreported: Some(r.nca_unreported),
        }
    }

    /// Replaces the fields of `r` that are given; `duty` is the parsed `nca_duty`.
    fn over(self, duty: Option<Option<NcaDuty>>, r: &mut Reporter) {
        for (field, given) in [
            (&mut r.service, self.service),
            (&mut r.first_name, self.first_name),
            (&mut r.last_name, self.last_name),
            (&mut r.email, self.email),
            (&mut r.contact_email, self.contact_email),
            (&mut r.company_template, self.company_template),
            (&mut r.terms_of_service, self.terms_of_service),
            (&mut r.legal_url, self.legal_url),
            (&mut r.industry_agreement, self.industry_agreement),
            (&mut r.nca_unreported, self.nca_unreported),
        ] {
            if let Some(given) = given {
                *field = given;
            }
        }
        r.nca_duty = duty.unwrap_or(r.nca_duty);
    }

    /// The duty to set; `Some(None)` deletes it.
    fn duty(&self) -> Result<Option<Option<NcaDuty>>, Fault> {
        match self.nca_duty.as_deref() {
            None => Ok(None),
            Some("") => Ok(Some(None)),
            Some(word) => Ok(Some(Some(word.parse().map_err(Fault::bad_request)?))),
        }
    }
}

/// The provider as it appears in reports.
#[utoipa::path(get, path = "/v1/settings/reporter", responses((status = 200, body = ReporterBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without an administrator")), security(("key" = [])))]
pub(crate) async fn reporter(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<ReporterBody>, Fault> {
    access::acting(&app, &headers, Act::SetUpDestinations).await?;
    let known = casework::reporter(&app.casework).await?;
    Ok(Json(ReporterBody::of(known)))
}

/// Change the provider's data. Reports that were approved but not sent have to be approved again.
#[utoipa::path(patch, path = "/v1/settings/reporter", request_body = ReporterBody, responses((status = 200, body = ReporterBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "A key without the right, or without an administrator"), (status = 422, body = ErrorBody, description = "A value isn't valid")), security(("key" = [])))]
pub(crate) async fn set_reporter(
    State(app): State<App>,
    headers: HeaderMap,
    given: Result<Object<ReporterBody>, Fault>,
) -> Result<Json<ReporterBody>, Fault> {
    let person = access::acting(&app, &headers, Act::SetUpDestinations).await?;
    let Object(given) = given?;
    let duty = given.duty()?;
    let change = |known: &mut Reporter| given.over(duty, known);
    let after = casework::change_reporter(&app.casework, &person.id, change).await?;
    Ok(Json(ReporterBody::of(after)))
}

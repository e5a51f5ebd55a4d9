//! Bodies that are JSON objects.

use axum::Json;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::fault::Fault;

/// A JSON object, as the body of a request. serde also reads a struct from an array, field by field
/// in the order of the source, so an array is refused first.
pub(crate) struct Object<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Object<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let Json(body) = Json::<Box<RawValue>>::from_request(request, state).await?;
        if !body.get().trim_start().starts_with('{') {
            return Err(Fault::bad_request("the body isn't a JSON object"));
        }
        let Json(object) = Json::from_bytes(body.get().as_bytes())?;
        Ok(Self(object))
    }
}

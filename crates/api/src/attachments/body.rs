//! The shapes of attachments on the wire.

use eureka_domain::attachment::{Attachment, Media};
use eureka_domain::ids::{AttachmentId, TipId};
use eureka_service::AttachmentView;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::wire::wire_enum;

wire_enum! {
    /// What a file is.
    MediaWord = Media { Jpeg = "image/jpeg", Png = "image/png", Pdf = "application/pdf" }
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(crate) struct FileBody(#[expect(dead_code, reason = "only its schema matters")] Vec<u8>);

/// A photo or a PDF of a text.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttachmentBody {
    /// For ever, in every revision that has it.
    id: Uuid,
    /// What it is called: no other file of the text has the name.
    #[schema(example = "fuse holders.jpg")]
    name: String,
    /// What it is.
    media_type: MediaWord,
    /// How many bytes it has.
    bytes: u32,
    /// The SHA-256 of its bytes, hexadecimal.
    sha256: String,
    /// Width of a picture, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Height of a picture, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// Where its bytes are.
    url: String,
    /// Where the small picture of it is; a PDF has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
}

impl AttachmentBody {
    /// A file of a tip.
    pub(crate) fn new(tip: TipId, file: &Attachment) -> Self {
        let url = path_of(tip, file.id);
        Self {
            id: file.id.0,
            name: file.name.clone(),
            media_type: file.media.into(),
            bytes: file.bytes,
            sha256: file.sha256.clone(),
            width: file.pixels.map(|(width, _)| width),
            height: file.pixels.map(|(_, height)| height),
            thumbnail_url: file.media.is_picture().then(|| format!("{url}/thumbnail")),
            url,
        }
    }
}

impl AttachmentBody {
    /// Where its bytes are.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it can be shown in a text.
    pub(crate) fn is_picture(&self) -> bool {
        Media::from(self.media_type).is_picture()
    }

    /// Whether it has this name; upper and lower case are the same, as they are among the names of a text.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }
}

impl From<&AttachmentView> for AttachmentBody {
    fn from(view: &AttachmentView) -> Self {
        Self::new(view.tip, &view.file)
    }
}

/// Where the bytes of a file are.
pub(crate) fn path_of(tip: TipId, id: AttachmentId) -> String {
    format!("/v1/tips/{tip}/attachments/{id}")
}

/// What a file is to be called.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachParams {
    /// Its name; what is not fit for one is taken out of it, and its ending is that of what it is.
    pub(crate) name: Option<String>,
}

/// Whose attachments.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachmentParams {
    /// Those of this revision, in place of those of the text that you see.
    pub(crate) revision: Option<i32>,
}

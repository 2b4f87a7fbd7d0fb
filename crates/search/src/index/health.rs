//! Are the files what was written? The engine itself searches damaged segments without noticing.

use tantivy::Index as Engine;

use crate::error::SearchError;

/// Reads every file of the last commit against its checksum. `None` when all is well, else what is wrong.
pub(crate) fn damage(engine: &Engine) -> Result<Option<String>, SearchError> {
    let metas = match engine.load_metas().map_err(SearchError::from) {
        Ok(metas) => metas,
        Err(error @ SearchError::Io(_)) => return Err(error),
        Err(error) => return Ok(Some(error.to_string())),
    };
    let files = metas.list_segment_files();
    for file in &files {
        // Not every segment has every kind of file (deletes); one that must be there is missed when it is opened.
        let sound = match engine.directory().validate_checksum(file) {
            Ok(sound) => sound,
            Err(tantivy::directory::error::OpenReadError::FileDoesNotExist(_)) if is_optional(file) => true,
            Err(error) => match SearchError::from(tantivy::TantivyError::from(error)) {
                error @ SearchError::Io(_) => return Err(error),
                error => return Ok(Some(error.to_string())),
            },
        };
        if !sound {
            return Ok(Some(format!("{} is not what was written", file.display())));
        }
    }
    for segment in engine.searchable_segments()? {
        let reader = match tantivy::SegmentReader::open(&segment).map_err(SearchError::from) {
            Ok(reader) => reader,
            Err(error @ SearchError::Io(_)) => return Err(error),
            Err(error) => return Ok(Some(error.to_string())),
        };
        let meta = segment.meta();
        let counted = reader
            .alive_bitset()
            .map_or(meta.max_doc(), |alive| u32::try_from(alive.num_alive_docs()).unwrap_or(u32::MAX));
        if counted != meta.num_docs() {
            return Ok(Some(format!(
                "segment {} does not hold as many tips as meta.json says",
                segment.id().uuid_string()
            )));
        }
        let numbers = reader.fast_fields().i64(crate::schema::column::NUMBER);
        if !numbers.is_ok_and(|column| column.num_docs() == meta.max_doc()) {
            return Ok(Some(format!("segment {} has another length than meta.json says", segment.id().uuid_string())));
        }
    }
    Ok(None)
}

/// Whether a segment may be whole without a file.
pub(super) fn is_optional(file: &std::path::Path) -> bool {
    file.extension().is_some_and(|extension| extension == "del" || extension == "temp")
}

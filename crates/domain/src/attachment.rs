//! What is attached to a tip's text: photos and PDFs, each under a name of its own. A text lists them with the SHA-256 of
//! their bytes, so that what reviewers approve is what readers get; the bytes themselves are kept elsewhere.

use serde::{Deserialize, Serialize};

use crate::error::RuleError;
use crate::ids::AttachmentId;
use crate::word::word_enum;

/// Largest file, in bytes, as it is sent and as it is kept.
pub const BYTES_MAX: usize = 10 << 20;
/// Most pixels of a photo.
pub const PIXELS_MAX: u64 = 40_000_000;
/// Most files of one text.
pub const FILES_MAX: usize = 20;
/// Longest name, in characters, its ending included.
pub const NAME_MAX: usize = 100;

word_enum! {
    /// What a kept file is.
    Media {
        /// A photo.
        Jpeg = "image/jpeg",
        /// A drawing, a screen, or anything else that is partly transparent.
        Png = "image/png",
        /// A document.
        Pdf = "application/pdf",
    }
}

impl Media {
    /// How the names of such files end.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }

    /// Whether a browser may show it in its place; a document is saved.
    pub const fn is_picture(self) -> bool {
        !matches!(self, Self::Pdf)
    }
}

/// One file of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attachment {
    /// For ever, in every text of the tip that has it.
    pub id: AttachmentId,
    /// What it is called: no other file of the text has the name.
    pub name: String,
    /// What it is.
    pub media: Media,
    /// How long it is.
    pub bytes: u32,
    /// What it holds: the SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Width and height of a picture, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<(u32, u32)>,
}

impl Attachment {
    /// Whether these bytes can be the file's, their SHA-256 aside.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let media = sniff(bytes).and_then(Sent::kept_as_it_is);
        media == Some(self.media) && bytes.len() <= BYTES_MAX && usize::try_from(self.bytes) == Ok(bytes.len())
    }
}

/// Refuses files that [`attach`] would not have left in a text: what comes with a moved text was not attached here.
pub fn checked(files: &[Attachment]) -> Result<(), RuleError> {
    let mut kept = Vec::with_capacity(files.len());
    for file in files {
        let is_ours =
            clean_name(&file.name, file.media) == file.name && file.pixels.is_some() == file.media.is_picture();
        attach(&mut kept, file.clone())?;
        if !is_ours || kept.last() != Some(file) || kept.iter().filter(|other| other.id == file.id).count() > 1 {
            return Err(RuleError::field("/attachments", "invalid", format!("{} is not a file of a text", file.name)));
        }
    }
    Ok(())
}

word_enum! {
    /// What sent bytes are.
    Sent {
        /// A JPEG.
        Jpeg = "image/jpeg",
        /// A PNG.
        Png = "image/png",
        /// A WebP.
        Webp = "image/webp",
        /// A PDF.
        Pdf = "application/pdf",
    }
}

impl Sent {
    /// What it is when it is kept, where that needs no work.
    const fn kept_as_it_is(self) -> Option<Media> {
        match self {
            Self::Jpeg => Some(Media::Jpeg),
            Self::Png => Some(Media::Png),
            Self::Pdf => Some(Media::Pdf),
            Self::Webp => None,
        }
    }
}

/// What bytes are, by themselves: whatever anybody says of them is not asked.
pub fn sniff(bytes: &[u8]) -> Option<Sent> {
    let riff = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        _ if bytes.starts_with(b"\xff\xd8\xff") => Some(Sent::Jpeg),
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(Sent::Png),
        _ if riff => Some(Sent::Webp),
        _ if bytes.starts_with(b"%PDF-") => Some(Sent::Pdf),
        _ => None,
    }
}

/// A name that is safe to save a file under anywhere, and ends as such files do: the last part of a path, without control
/// and direction characters, and without what some file systems refuse.
pub fn clean_name(given: &str, media: Media) -> String {
    const ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "pdf", "heic", "jpe", "jfif"];
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | ';' | '%') { '_' } else { c })
        .collect();
    let trim = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || c == '.').to_owned();
    let kept = trim(&kept);
    let stem = match kept.rsplit_once('.') {
        Some((stem, ending)) if ENDINGS.contains(&ending.to_lowercase().as_str()) => trim(stem),
        _ => kept,
    };
    let room = NAME_MAX - media.ending().len() - 1;
    let stem = trim(&stem.chars().take(room).collect::<String>());
    let stem = if stem.is_empty() { if media.is_picture() { "photo" } else { "document" }.to_owned() } else { stem };
    format!("{stem}.{}", media.ending())
}

/// What is not seen, or turns the direction of what follows, so that a name reads as another: Unicode's format characters as
/// far as they are used for that.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Adds a file to those of a text, under a name that no other has there.
pub fn attach(files: &mut Vec<Attachment>, file: Attachment) -> Result<(), RuleError> {
    if files.len() >= FILES_MAX {
        return Err(RuleError::field("", "too_many", format!("at most {FILES_MAX} attachments")));
    }
    let ending = file.media.ending();
    let stem = file.name.strip_suffix(&format!(".{ending}")).unwrap_or(&file.name).to_owned();
    let mut name = file.name.clone();
    let mut again = 1;
    while files.iter().any(|other| other.name.to_lowercase() == name.to_lowercase()) {
        again += 1;
        let mark = format!(" ({again}).{ending}");
        let stem: String = stem.chars().take(NAME_MAX - mark.chars().count()).collect();
        name = format!("{}{mark}", stem.trim_end());
    }
    files.push(Attachment { name, ..file });
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn named(name: &str) -> Attachment {
        let id = AttachmentId(Uuid::nil());
        Attachment {
            id,
            name: name.to_owned(),
            media: Media::Jpeg,
            bytes: 1,
            sha256: String::new(),
            pixels: Some((1, 1)),
        }
    }

    #[test]
    fn what_a_file_is_goes_by_its_first_bytes() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Some(Sent::Jpeg));
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n...."), Some(Sent::Png));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(Sent::Webp));
        assert_eq!(sniff(b"%PDF-1.7\n"), Some(Sent::Pdf));
        for other in [&b""[..], b"RIFF\0\0\0\0WAVE", b"GIF89a", b"<svg>", b"\n%PDF-1.7", b"PK\x03\x04", b"\xff\xd8"] {
            assert_eq!(sniff(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_name_is_one_that_any_file_system_takes_and_tells_what_the_file_is() {
        for (given, media, kept) in [
            ("fuse holders.JPG", Media::Jpeg, "fuse holders.jpg"),
            ("fuse.webp", Media::Png, "fuse.png"),
            ("manual.pdf", Media::Pdf, "manual.pdf"),
            ("virus.exe", Media::Jpeg, "virus.exe.jpg"),
            ("../../etc/passwd", Media::Pdf, "passwd.pdf"),
            ("C:\\temp\\a:b?.png", Media::Png, "a_b_.png"),
            ("a\u{202e}gpj.exe", Media::Jpeg, "agpj.exe.jpg"),
            ("a\r\nSet-Cookie: x\0", Media::Jpeg, "aSet-Cookie_ x.jpg"),
            ("Führungsschiene – 3 % \"neu\".jpeg", Media::Jpeg, "Führungsschiene – 3 _ _neu_.jpg"),
            ("", Media::Jpeg, "photo.jpg"),
            (" ..", Media::Pdf, "document.pdf"),
            (".jpg", Media::Jpeg, "jpg.jpg"),
        ] {
            assert_eq!(clean_name(given, media), kept, "{given:?}");
        }
    }

    #[test]
    fn no_two_files_of_a_text_have_one_name_and_there_are_no_more_than_twenty() {
        let mut files = Vec::new();
        for name in ["a.jpg", "A.jpg", "a.jpg", "a (2).jpg"] {
            attach(&mut files, named(name)).unwrap();
        }
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.jpg", "A (2).jpg", "a (3).jpg", "a (2) (2).jpg"]);
        for _ in 4..FILES_MAX {
            attach(&mut files, named(&format!("{}.jpg", "x".repeat(96)))).unwrap();
        }
        assert!(files.iter().all(|file| file.name.chars().count() <= NAME_MAX));
        assert!(attach(&mut files, named("b.jpg")).is_err());
    }

    proptest! {
        #[test]
        fn of_any_name_comes_one_that_cleaning_leaves_as_it_is(given in any::<String>()) {
            let kept = clean_name(&given, Media::Png);
            let stem = kept.strip_suffix(".png").unwrap_or_default();
            prop_assert!(kept.chars().count() <= NAME_MAX && !stem.is_empty());
            prop_assert!(!kept.contains(|c: char| c.is_control() || "/\\<>:\"|?*;%".contains(c)));
            prop_assert_eq!(clean_name(&kept, Media::Png), kept);
        }
    }
}

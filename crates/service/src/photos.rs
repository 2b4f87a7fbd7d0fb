//! What is done to a file before it is kept: photos are decoded and written anew, upright and with nothing in them but what is
//! seen (no place, no time, no camera, no hidden data after the end), and get a thumbnail; documents stay as they are. On
//! threads of its own, since it takes seconds and hundreds of megabytes at worst.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use eureka_domain::RuleError;
use eureka_domain::attachment::{BYTES_MAX, Media, PIXELS_MAX, Sent};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use sha2::{Digest, Sha256};

use crate::ServiceError;
use crate::workers::Workers;

/// How long an upload waits for its photo to be ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many may wait for their turn.
const QUEUE: usize = 16;
/// Longest side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 320;
/// How good JPEGs are written, of 100.
const QUALITY: u8 = 85;
/// Most memory that a decoder may take for one photo, in bytes: four a pixel.
const MEMORY: u64 = PIXELS_MAX * 4;

/// Makes files ready to be kept. Its threads end when it is dropped.
pub struct Photos(Workers);

/// A file, ready to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// What it is now.
    pub(crate) media: Media,
    /// What it holds.
    pub(crate) bytes: Vec<u8>,
    /// Width and height of a picture.
    pub(crate) pixels: Option<(u32, u32)>,
    /// A small JPEG of a picture.
    pub(crate) thumbnail: Option<Vec<u8>>,
    /// The SHA-256 of its bytes, hexadecimal.
    pub(crate) sha256: String,
}

impl Prepared {
    fn new(media: Media, bytes: Vec<u8>, pixels: Option<(u32, u32)>, thumbnail: Option<Vec<u8>>) -> Self {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Self { media, bytes, pixels, thumbnail, sha256 }
    }
}

impl Photos {
    /// Threads for `at_once` photos at the same time.
    pub fn new(at_once: usize) -> Result<Self, ServiceError> {
        Workers::new("photos", at_once, QUEUE, PATIENCE, "too many photos at once").map(Self)
    }

    /// Makes what was sent ready to be kept. Refuses a photo that cannot be read, or has too many pixels.
    pub(crate) fn prepare(&self, sent: Sent, bytes: Vec<u8>) -> Result<Prepared, ServiceError> {
        let format = match sent {
            Sent::Pdf => return Ok(Prepared::new(Media::Pdf, bytes, None, None)),
            Sent::Jpeg => ImageFormat::Jpeg,
            Sent::Png => ImageFormat::Png,
            Sent::Webp => ImageFormat::WebP,
        };
        self.0.run(move || {
            // A photo that makes a decoder panic is one that cannot be read.
            let done = catch_unwind(AssertUnwindSafe(|| photo(&bytes, format)));
            Ok(done.unwrap_or_else(|_| Err(unreadable("its decoder gave up")))?)
        })
    }
}

fn photo(bytes: &[u8], format: ImageFormat) -> Result<Prepared, RuleError> {
    let (image, orientation) = decoded(bytes, format)?;
    let keeps_png = format == ImageFormat::Png || image.color().has_alpha();
    let image = if image.color().has_alpha() && keeps_png {
        DynamicImage::from(image.into_rgba8())
    } else {
        DynamicImage::from(image.into_rgb8())
    };
    let image = upright(image, orientation);
    let thumbnail = jpeg(&small(&image))?;
    let png = if keeps_png { Some(png(&image)?).filter(|png| png.len() <= BYTES_MAX) } else { None };
    let (media, bytes) = match png {
        Some(png) => (Media::Png, png),
        None if image.color().has_alpha() => return Err(too_large()),
        None => (Media::Jpeg, jpeg(&image)?),
    };
    if bytes.len() > BYTES_MAX {
        return Err(too_large());
    }
    Ok(Prepared::new(media, bytes, Some((image.width(), image.height())), Some(thumbnail)))
}

/// The picture, and how it is to be turned. Nothing is decoded of one that says it has too many pixels, or so many bytes to
/// each that they come to as much.
fn decoded(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), RuleError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        let detail = format!("{width} by {height} pixels; at most {} million", PIXELS_MAX / 1_000_000);
        return Err(RuleError::field("", "too_many_pixels", detail));
    }
    if decoder.total_bytes() > MEMORY {
        let detail = format!("{width} by {height} pixels of more than four bytes each on average");
        return Err(RuleError::field("", "too_many_pixels", detail));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder).map_err(unreadable)?, orientation))
}

fn upright(mut image: DynamicImage, orientation: Orientation) -> DynamicImage {
    image.apply_orientation(orientation);
    image
}

/// The picture at most [`THUMBNAIL`] pixels wide and high, on white.
fn small(image: &DynamicImage) -> DynamicImage {
    let small = if image.width().max(image.height()) > THUMBNAIL {
        image.thumbnail(THUMBNAIL, THUMBNAIL)
    } else {
        image.clone()
    };
    let mut small = small.into_rgba8();
    for pixel in small.pixels_mut() {
        let alpha = u32::from(pixel[3]);
        for channel in pixel.0.iter_mut().take(3) {
            let seen = (u32::from(*channel) * alpha + 255 * (255 - alpha)) / 255;
            *channel = u8::try_from(seen).unwrap_or(u8::MAX);
        }
        pixel[3] = u8::MAX;
    }
    DynamicImage::from(DynamicImage::from(small).into_rgb8())
}

fn jpeg(image: &DynamicImage) -> Result<Vec<u8>, RuleError> {
    let mut out = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut out, QUALITY)).map_err(unreadable)?;
    Ok(out)
}

fn png(image: &DynamicImage) -> Result<Vec<u8>, RuleError> {
    let mut out = Vec::new();
    image.write_with_encoder(PngEncoder::new(&mut out)).map_err(unreadable)?;
    Ok(out)
}

fn unreadable(why: impl std::fmt::Display) -> RuleError {
    RuleError::field("", "unreadable", format!("the picture cannot be read: {why}"))
}

fn too_large() -> RuleError {
    RuleError::field("", "too_large", format!("written anew the picture has more than {BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests;

//! Pictures to attach: small, and different for each size.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// A JPEG of this size.
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([200, low(x), low(y)]));
    encoded(&image.into(), ImageFormat::Jpeg)
}

/// A PNG of this size that is half transparent.
pub fn drawing(width: u32, height: u32) -> Vec<u8> {
    let image =
        RgbaImage::from_fn(width, height, |x, y| Rgba([low(x), low(y), 200, if x < width / 2 { 0 } else { 255 }]));
    encoded(&image.into(), ImageFormat::Png)
}

fn low(number: u32) -> u8 {
    number.to_le_bytes()[0]
}

#[allow(clippy::expect_used, reason = "a test without a picture has failed")]
fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).expect("a picture");
    out.into_inner()
}

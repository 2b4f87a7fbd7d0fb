//! Photos as phones make them, and as nobody should.

use std::time::Instant;

use image::{ExtendedColorType, GenericImageView, ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

/// A picture whose left half is red and right half is blue, with detail in it.
fn halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([200, 10, 10]) } else { Rgb([10, 10, 200]) })
}

fn jpeg_of(image: &RgbImage) -> Vec<u8> {
    jpeg(&DynamicImage::from(image.clone())).unwrap()
}

/// A JPEG with an EXIF segment after its first marker: how it is turned, a maker's name, and the place where it was taken.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x03".to_vec();
    tiff.extend([&[0x01, 0x0f, 0, 2, 0, 0, 0, 12, 0, 0, 0, 50][..], b""].concat()); // maker, 12 characters at 50
    tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    tiff.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 62]); // place, a directory at 62
    tiff.extend([0, 0, 0, 0]);
    assert_eq!(tiff.len(), 50);
    tiff.extend(b"CanaryCam 9\0");
    tiff.extend([0, 1, 0, 2, 0, 2, 0, 0, 0, 24, 0, 0, 0, 80, 0, 0, 0, 0]); // latitude, as text for the test, at 80
    tiff.extend(b"N 48.137154 E 11.576124\0");
    let mut segment = b"Exif\0\0".to_vec();
    segment.extend(tiff);
    let length = u16::try_from(segment.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &segment, &jpeg[2..]].concat()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn refusal(bytes: &[u8], format: ImageFormat) -> String {
    match photo(bytes, format).unwrap_err() {
        RuleError::Invalid(errors) => errors[0].code.to_owned(),
        other => panic!("{other}"),
    }
}

fn color(image: &DynamicImage, x: u32, y: u32) -> &'static str {
    let pixel = image.get_pixel(x, y);
    if pixel[0] > pixel[2] { "red" } else { "blue" }
}

#[test]
fn a_photo_tells_nothing_of_when_where_and_with_what_it_was_taken_and_stands_upright() {
    let taken = with_exif(&jpeg_of(&halves(60, 20)), 6); // to be turned by 90 degrees
    for secret in [&b"CanaryCam"[..], b"48.137154", b"Exif"] {
        assert!(contains(&taken, secret), "the test's own photo tells nothing");
    }
    let decoder = ImageReader::with_format(Cursor::new(&taken), ImageFormat::Jpeg).into_decoder();
    assert_eq!(decoder.unwrap().orientation().unwrap(), Orientation::Rotate90);

    let kept = photo(&taken, ImageFormat::Jpeg).unwrap();
    assert_eq!((kept.media, kept.pixels), (Media::Jpeg, Some((20, 60))));
    for bytes in [&kept.bytes, kept.thumbnail.as_ref().unwrap()] {
        for secret in [&b"CanaryCam"[..], b"48.137154", b"Exif", b"\xff\xe1"] {
            assert!(!contains(bytes, secret));
        }
        let shown = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).unwrap();
        assert_eq!((shown.width(), shown.height()), (20, 60));
        assert_eq!([color(&shown, 10, 5), color(&shown, 10, 55)], ["red", "blue"], "the left is above now");
    }
}

#[test]
fn what_stands_behind_the_end_of_a_photo_or_beside_it_is_not_kept() {
    let jpeg = [jpeg_of(&halves(40, 40)), b"<script>alert(1)</script>PK\x03\x04".to_vec()].concat();
    assert!(!contains(&photo(&jpeg, ImageFormat::Jpeg).unwrap().bytes, b"<script>"));
    let mut plain = Vec::new();
    image::codecs::png::PngEncoder::new(&mut plain)
        .write_image(halves(4, 4).as_raw(), 4, 4, ExtendedColorType::Rgb8)
        .unwrap();
    // A text chunk after the header, with a checksum that readers do not insist on in chunks they pass over.
    let text = b"tEXtLocation\x00CanaryTown";
    let chunk = [&u32::try_from(text.len() - 4).unwrap().to_be_bytes()[..], text, &crc(text).to_be_bytes()].concat();
    let png = [&plain[..33], &chunk, &plain[33..]].concat();
    let kept = photo(&png, ImageFormat::Png).unwrap();
    assert_eq!(kept.media, Media::Png);
    assert!(!contains(&kept.bytes, b"CanaryTown"));
}

/// The checksum of a PNG's chunk.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn a_drawing_stays_one_and_a_webp_becomes_what_everybody_reads() {
    let drawing = RgbaImage::from_fn(50, 40, |x, _| Rgba([0, 0, 255, if x < 25 { 0 } else { 255 }]));
    let encoded = |image: DynamicImage, format| {
        let mut out = Cursor::new(Vec::new());
        image.write_to(&mut out, format).unwrap();
        out.into_inner()
    };
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let kept = photo(&encoded(drawing.clone().into(), format), format).unwrap();
        assert_eq!((kept.media, kept.pixels), (Media::Png, Some((50, 40))));
        let shown = image::load_from_memory(&kept.bytes).unwrap();
        assert_eq!((shown.get_pixel(0, 0)[3], shown.get_pixel(49, 0)), (0, Rgba([0, 0, 255, 255])));
        let small = image::load_from_memory(kept.thumbnail.as_ref().unwrap()).unwrap();
        assert!(small.get_pixel(3, 3)[0] > 240, "what is transparent is white");
    }
    let opaque = encoded(halves(50, 40).into(), ImageFormat::WebP);
    assert_eq!(photo(&opaque, ImageFormat::WebP).unwrap().media, Media::Jpeg);
}

#[test]
fn a_thumbnail_is_no_larger_than_it_has_to_be_and_keeps_its_shape() {
    let kept = photo(&jpeg_of(&halves(1600, 400)), ImageFormat::Jpeg).unwrap();
    let small = image::load_from_memory(kept.thumbnail.as_ref().unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (320, 80));
    assert_eq!([color(&small, 10, 40), color(&small, 310, 40)], ["red", "blue"]);
}

/// A PNG of a few bytes that says it is this large.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    said_to_be(width, height, [8, 2])
}

/// The same with this many bits to a channel, in this kind of color.
fn said_to_be(width: u32, height: u32, kind: [u8; 2]) -> Vec<u8> {
    let header = [&b"IHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), &kind, &[0, 0, 0]].concat();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, b"IDAT\x78\x9c\x03\0\0\0\0\x01".to_vec(), b"IEND".to_vec()] {
        out.extend(u32::try_from(chunk.len() - 4).unwrap().to_be_bytes());
        out.extend(&chunk);
        out.extend(crc(&chunk).to_be_bytes());
    }
    out
}

#[test]
fn a_small_file_that_would_become_an_immense_picture_is_refused_before_it_is_decoded() {
    let began = Instant::now();
    assert_eq!(refusal(&bomb(50_000, 50_000), ImageFormat::Png), "too_many_pixels");
    assert_eq!(refusal(&bomb(20_000_001, 2), ImageFormat::Png), "too_many_pixels");
    assert_eq!(refusal(&bomb(8000, 5001), ImageFormat::Png), "too_many_pixels");
    assert_eq!(refusal(&said_to_be(8000, 5000, [16, 6]), ImageFormat::Png), "too_many_pixels", "320 MB");
    // The same of a JPEG: its header is changed to say so.
    let mut jpeg = jpeg_of(&halves(16, 16));
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(refusal(&jpeg, ImageFormat::Jpeg), "too_many_pixels");
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(refusal(&bomb(100, 100), ImageFormat::Png), "unreadable");
}

#[test]
fn what_is_no_picture_or_a_broken_one_is_refused_and_leaves_the_threads_working() {
    let photos = Photos::new(1).unwrap();
    let jpeg = jpeg_of(&halves(64, 64));
    let mut broken: Vec<Vec<u8>> = vec![b"\xff\xd8\xff".to_vec(), b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec()];
    broken.extend((2..jpeg.len()).step_by(97).map(|end| jpeg[..end].to_vec()));
    for bytes in broken {
        for sent in [Sent::Jpeg, Sent::Png, Sent::Webp] {
            // Some decoders show what there is of a photo that breaks off; no answer but these two will do.
            match photos.prepare(sent, bytes.clone()) {
                Ok(_) | Err(ServiceError::Rule(RuleError::Invalid(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(photos.prepare(Sent::Jpeg, jpeg).unwrap().media, Media::Jpeg);
    let document = b"%PDF-1.7\nas it is".to_vec();
    assert_eq!(photos.prepare(Sent::Pdf, document.clone()).unwrap().bytes, document);
}

//! The canvas of a figure: an SVG, the pixels of a PNG, or a record of its geometry. The same strokes go to all.
//!
//! Coordinates of plotters are whole; so a figure is drawn [`FINE`] times as large as it is shown, and the SVG says so by its
//! `viewBox`. The pixels are averaged down to [`PNG_SCALE`] times the size shown, which smooths every edge alike.
//!
//! Text is placed by us in both, and in the PNG drawn by us: plotters with `ab_glyph` forgets the space to the left of each
//! letter, and its two backends disagree on where a line of text stands.

use crate::geometry::Geometry;
use crate::style::{CAP_PER_EM, FINE, LINE_PER_EM, face};
use ab_glyph::{Font, PxScale, ScaleFont, point};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle, FontTransform};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};
use std::cell::RefCell;
use std::io;

/// Pixels of the PNG for each pixel of the size at which it is shown: sharp on dense screens.
const PNG_SCALE: u32 = 2;

/// Pixels of the drawing that make one of the PNG, in a line.
const SHRINK: u32 = FINE / PNG_SCALE;

thread_local! {
    /// Room for the pixels of a drawing, kept for the next one: fresh pages took an eighth of a report's time.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Either medium, as a backend of plotters.
pub(crate) enum Paper<'p> {
    Svg(SVGBackend<'p>),
    Pixels(BitMapBackend<'p>),
    /// Places and colours alone, of a sheet of this size.
    Record(&'p mut Geometry, (u32, u32)),
}

type Drawn = Result<(), DrawingErrorKind<io::Error>>;

impl Paper<'_> {
    /// True of pixels, which begin white.
    pub(crate) fn is_white(&self) -> bool {
        matches!(self, Self::Pixels(_))
    }
}

/// The SVG of what `draw` draws, to be shown at `size` pixels.
pub(crate) fn svg<E>(
    size: (u32, u32),
    title: &str,
    draw: impl FnOnce(Paper<'_>) -> Result<(), E>,
) -> Result<String, E> {
    let mut text = String::new();
    let fine = (size.0 * FINE, size.1 * FINE);
    draw(Paper::Svg(SVGBackend::with_string(&mut text, fine)))?;
    let as_drawn = format!("width=\"{}\" height=\"{}\"", fine.0, fine.1);
    let as_shown = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
    Ok(text.replacen(&as_drawn, &as_shown, 1).replacen(">\n", &format!(" role=\"img\">\n<title>{title}</title>\n"), 1))
}

/// The PNG of what `draw` draws, to be shown at `size` pixels.
pub(crate) fn png<E>(size: (u32, u32), draw: impl FnOnce(Paper<'_>) -> Result<(), E>) -> Result<Vec<u8>, E> {
    let fine = (size.0 * FINE, size.1 * FINE);
    let pixels = ROOM.with_borrow_mut(|room| {
        room.clear();
        room.resize(3 * fine.0 as usize * fine.1 as usize, u8::MAX);
        draw(Paper::Pixels(BitMapBackend::with_buffer(room, fine)))?;
        Ok(shrunk::<{ SHRINK as usize }>(room, fine.0 as usize))
    })?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, fine.0 / SHRINK, fine.1 / SHRINK);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // `Balanced`, which has level 6, takes three times as long for files of a twentieth less.
    encoder.set_deflate_compression(png::DeflateCompression::Level(2));
    // Choosing a filter for each line took a quarter of a figure's time. Figures are flat: most lines are those above them.
    encoder.set_filter(png::Filter::Up);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("an image of that many pixels, written to memory");
    Ok(file)
}

/// Each square of `BY` x `BY` pixels becomes one, their mean.
fn shrunk<const BY: usize>(pixels: &[u8], width: usize) -> Vec<u8> {
    let mut out = vec![0; pixels.len() / (BY * BY)];
    let all = (BY * BY) as u16;
    let (mut column, mut sums) = (vec![0u16; 3 * width], vec![0u16; 3 * width]);
    // Down and then right from every pixel, which the compiler does for many channels at a time; of `BY` means one is kept.
    for (lines, means) in pixels.chunks_exact(3 * width * BY).zip(out.chunks_exact_mut(3 * width / BY)) {
        column.fill(0);
        for line in lines.chunks_exact(3 * width) {
            column.iter_mut().zip(line).for_each(|(sum, channel)| *sum += u16::from(*channel));
        }
        sums.fill(all / 2);
        for right in 0..BY {
            sums.iter_mut().zip(&column[3 * right..]).for_each(|(sum, channel)| *sum += channel);
        }
        for (square, mean) in sums.chunks_exact(3 * BY).zip(means.chunks_exact_mut(3)) {
            mean.iter_mut().zip(square).for_each(|(mean, sum)| *mean = (sum / all) as u8);
        }
    }
    out
}

/// Records what `draw` draws, to be shown at `size` pixels.
pub(crate) fn record<E>(
    size: (u32, u32),
    into: &mut Geometry,
    draw: impl FnOnce(Paper<'_>) -> Result<(), E>,
) -> Result<(), E> {
    draw(Paper::Record(into, (size.0 * FINE, size.1 * FINE)))
}

/// Passes a call on to either backend, or records it.
macro_rules! either {
    ($paper:expr, $backend:ident => $call:expr) => {
        match $paper {
            Paper::Svg($backend) => $call,
            Paper::Pixels($backend) => $call.map_err(in_memory),
            Paper::Record(..) => Ok(()),
        }
    };
    ($paper:expr, $backend:ident => $call:expr, $record:ident => $note:expr) => {
        match $paper {
            Paper::Svg($backend) => $call,
            Paper::Pixels($backend) => $call.map_err(in_memory),
            Paper::Record($record, _) => {
                $note;
                Ok(())
            }
        }
    };
}

/// Drawing pixels in memory fails for want of a font alone.
fn in_memory<E: std::error::Error + Send + Sync + 'static>(error: DrawingErrorKind<E>) -> DrawingErrorKind<io::Error> {
    match error {
        DrawingErrorKind::DrawingError(error) => DrawingErrorKind::DrawingError(io::Error::other(error)),
        DrawingErrorKind::FontError(error) => DrawingErrorKind::FontError(error),
    }
}

impl DrawingBackend for Paper<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Paper::Svg(backend) => backend.get_size(),
            Paper::Pixels(backend) => backend.get_size(),
            Paper::Record(_, size) => *size,
        }
    }

    fn ensure_prepared(&mut self) -> Drawn {
        either!(self, backend => backend.ensure_prepared())
    }

    fn present(&mut self) -> Drawn {
        either!(self, backend => backend.present())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn {
        either!(self, backend => backend.draw_pixel(point, colour))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        either!(self, backend => backend.draw_line(from, to, style), record => record.stroke([from, to], style.stroke_width()))
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        let corners = [from, (to.0, from.1), to, (from.0, to.1)];
        either!(self, backend => backend.draw_rect(from, to, style, fill), record => record.fill(corners, style.color()))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        either!(self, backend => backend.draw_path(path, style), record => record.stroke(path, style.stroke_width()))
    }

    fn draw_circle<S: BackendStyle>(&mut self, centre: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        either!(self, backend => backend.draw_circle(centre, radius, style, fill), record => record.disc(centre, radius, style.color()))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        either!(self, backend => backend.fill_polygon(corners, style), record => record.fill(corners, style.color()))
    }

    /// A line of text, its capitals above, across or below `at`, as its anchor says.
    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let em = em_of(style);
        let baseline = baseline_below(style);
        match self {
            Paper::Record(record, _) => {
                record.text(text, style, (em, baseline), at);
                Ok(())
            }
            Paper::Svg(backend) => {
                // Where plotters puts the baseline of a line that hangs from its top.
                let down = (baseline - 0.76 * em).round() as i32;
                let (x, y) = style.transform().transform(0, down);
                // It takes a size for 1.24 em.
                backend.draw_text(text, &Hanging { style, size: 1.24 * em }, (at.0 + x, at.1 + y))
            }
            Paper::Pixels(backend) => {
                let (style, colour) = ((style.style(), style.transform(), style.anchor().h_pos), style.color());
                pixels_of(text, em as f32, baseline as f32, style, |x, y, cover| {
                    let colour = BackendColor { alpha: colour.alpha * f64::from(cover), ..colour };
                    backend.draw_pixel((at.0 + x, at.1 + y), colour)
                })
                .map_err(in_memory)
            }
        }
    }
}

/// The size of a text's letters, in units of the drawing.
fn em_of<S: BackendTextStyle>(style: &S) -> f64 {
    style.size() / LINE_PER_EM
}

/// The distance of a text's baseline below its anchor, in units of the drawing.
fn baseline_below<S: BackendTextStyle>(style: &S) -> f64 {
    em_of(style) * CAP_PER_EM * above(style.anchor().v_pos)
}

/// Share of the capitals' height that is above the anchor's line, so far is the baseline below it.
fn above(anchor: VPos) -> f64 {
    match anchor {
        VPos::Top => 1.0,
        VPos::Center => 0.5,
        VPos::Bottom => 0.0,
    }
}

/// Calls `draw` for each pixel of a line of text, relative to its anchor, with the share of it that is covered.
fn pixels_of<E>(
    text: &str,
    em: f32,
    baseline: f32,
    (style, transform, anchor): (FontStyle, FontTransform, HPos),
    mut draw: impl FnMut(i32, i32, f32) -> Result<(), E>,
) -> Result<(), E> {
    let font = face(style);
    let scale = PxScale::from(em * LINE_PER_EM as f32);
    let scaled = font.as_scaled(scale);
    let width: f32 = text.chars().map(|letter| scaled.h_advance(font.glyph_id(letter))).sum();
    let mut x = match anchor {
        HPos::Left => 0.0,
        HPos::Center => -width / 2.0,
        HPos::Right => -width,
    };
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        if let Some(outline) = font.outline_glyph(id.with_scale_and_position(scale, point(x, baseline))) {
            let corner = outline.px_bounds().min;
            let mut covered = Vec::new();
            outline.draw(|right, down, cover| covered.push((right as i32, down as i32, cover)));
            for (right, down, cover) in covered.into_iter().filter(|(_, _, cover)| *cover > 0.0) {
                let (x, y) = transform.transform(corner.x as i32 + right, corner.y as i32 + down);
                draw(x, y, cover.min(1.0))?;
            }
        }
        x += scaled.h_advance(id);
    }
    Ok(())
}

/// A style of text, hung from its top and of another size.
struct Hanging<'s, S> {
    style: &'s S,
    size: f64,
}

impl<S: BackendTextStyle> BackendTextStyle for Hanging<'_, S> {
    type FontError = S::FontError;

    fn color(&self) -> BackendColor {
        self.style.color()
    }

    fn size(&self) -> f64 {
        self.size
    }

    fn transform(&self) -> FontTransform {
        self.style.transform()
    }

    fn style(&self) -> FontStyle {
        self.style.style()
    }

    fn anchor(&self) -> Pos {
        Pos { v_pos: VPos::Top, ..self.style.anchor() }
    }

    fn family(&self) -> FontFamily<'_> {
        self.style.family()
    }

    fn layout_box(&self, text: &str) -> Result<((i32, i32), (i32, i32)), Self::FontError> {
        self.style.layout_box(text)
    }

    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        text: &str,
        at: BackendCoord,
        draw: F,
    ) -> Result<Result<(), E>, Self::FontError> {
        self.style.draw(text, at, draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_averaged() {
        let pixels: Vec<u8> = [[0; 6], [100, 0, 10, 100, 0, 10], [8; 6], [8; 6]].concat();
        assert_eq!(shrunk::<2>(&pixels, 2), [50, 0, 5, 8, 8, 8]);
    }
}

/** The ffmpeg filter of a camera move over a still picture. */

export interface CameraMove {
  /** Magnification at the first and the last frame of the whole clip; 1 shows the whole picture. */
  zoomFrom: number;
  zoomTo: number;
  /** Where the zoom aims, from -1 (left edge) over 0 (middle) to 1 (right edge). */
  drift: number;
  /** Frames of the whole clip. */
  frames: number;
  /** The clip's frame with which this picture starts. */
  firstFrame: number;
}

/**
 * Moves by fractions of a pixel, which `zoompan` cannot. The position follows a smoothstep of fifth order, so the camera
 * starts and stops softly; `on` of the filter counts from 1.
 */
export function cameraMoveFilter(move: CameraMove): string {
  const time = `st(0,clip((on-1+${move.firstFrame})/${move.frames - 1},0,1))`;
  const eased = 'st(1,pow(ld(0),3)*(ld(0)*(6*ld(0)-15)+10))';
  const zoom = `st(2,${move.zoomFrom}+(${move.zoomTo - move.zoomFrom})*ld(1))`;
  const prelude = `${time};${eased};${zoom}`;
  const centre = `W/2+(${move.drift})*W/2*(1-1/ld(2))`;
  const left = `'${prelude};${centre}-W/2/ld(2)'`;
  const right = `'${prelude};${centre}+W/2/ld(2)'`;
  const top = `'${prelude};H/2-H/2/ld(2)'`;
  const bottom = `'${prelude};H/2+H/2/ld(2)'`;
  return (
    `perspective=eval=frame:sense=source:interpolation=cubic:x0=${left}:y0=${top}:x1=${right}:y1=${top}` +
    `:x2=${left}:y2=${bottom}:x3=${right}:y3=${bottom}`
  );
}

/**
 * Renditions: files made from finished videos when somebody asks for them. An export is one video in another format, a
 * combination is several videos as one. Loaded by workflow code, so: no zod, no Node built-ins.
 */

export const RENDITION_KINDS = ['export', 'combination'] as const;
export type RenditionKind = (typeof RENDITION_KINDS)[number];

export const RENDITION_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type RenditionState = (typeof RENDITION_STATES)[number];

/** States in which a workflow is at work on a rendition, or should be. */
export const OPEN_RENDITION_STATES = ['queued', 'running'] as const satisfies readonly RenditionState[];

export const EXPORT_FORMATS = ['mp4', 'mov', 'webm'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_QUALITIES = ['low', 'medium', 'high'] as const;
export type ExportQuality = (typeof EXPORT_QUALITIES)[number];

export const VIDEO_TYPES: Record<ExportFormat, string> = {
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
};

/** How many videos are combined at once. */
export const MIN_COMBINED = 2;
export const MAX_COMBINED = 20;

/** Scene set A: seven shots that tell a place from its hook to its outro. Data: scene-set-a.json. */
import sceneSetA from './scene-set-a.json' with { type: 'json' };

export interface Scene {
  /** From 1; also the order in which scenes stand in the video. */
  number: number;
  name: string;
  tags: readonly string[];
  /** What the video model is told. */
  prompt: string;
  /** What the music model is told. */
  music: string;
}

export const SCENE_SET_A: readonly Scene[] = sceneSetA;

const words = (text: string): string[] => text.toLowerCase().match(/[a-z]+/g) ?? [];

/**
 * The scene that shows a room, or undefined when none does: the first scene with the room's name among its tags, else
 * the first with a tag whose words are all in the name or hold all of its words ("Primary Bedroom" is a bedroom,
 * "Living" is a living room).
 */
export function sceneForRoom(room: string, scenes: readonly Scene[] = SCENE_SET_A): Scene | undefined {
  const asked = words(room);
  if (asked.length === 0) return undefined;
  const name = asked.join(' ');
  const within = (part: string[], whole: string[]): boolean => part.every((word) => whole.includes(word));
  return (
    scenes.find((scene) => scene.tags.some((tag) => words(tag).join(' ') === name)) ??
    scenes.find((scene) => scene.tags.some((tag) => within(words(tag), asked) || within(asked, words(tag))))
  );
}

/** The fixed pairing rule: which of a campaign's images become the first and last image of which clip. */
import type { Scene } from './scenes.js';
import { SCENE_SET_A, sceneForRoom } from './scenes.js';

export const DEFAULT_PAIRS = 7;

export interface PairableImage {
  id: string;
  /** The first tag names the room: "Bedroom 1 2" is the second image of Bedroom 1. */
  tags: readonly string[];
  /** Milliseconds since the epoch; ties are broken by id. */
  uploadedAt: number;
}

export interface ImagePair {
  firstImageId: string;
  lastImageId: string;
  room: string;
  scene: Scene;
}

/** What the video model is told: the scene's text, and the room's name where the scene was not made for it. */
export function pairPrompt({ room, scene }: ImagePair): string {
  const made = room === '' || sceneForRoom(room) !== undefined;
  return made ? scene.prompt : `${scene.prompt} The place shown is: ${room}.`;
}

interface RoomPair {
  firstImageId: string;
  lastImageId: string;
  room: string;
  /** Place of the pair within its room, from 0. */
  turn: number;
}

/** The room that a tag names: the tag less its trailing number, which counts the images of that room. */
export function roomOf(tags: readonly string[]): string {
  return (tags[0] ?? '').trim().replace(/\s*\d+$/, '');
}

/**
 * Chooses at most `count` pairs. Images pair up within their room by upload time; a room's odd image is left out. Only
 * when no room has two images are single ones paired across rooms. Every room gets its first pair before any room gets
 * a second. A known room keeps its scene; unknown ones take the free scenes in order, starting over after the last.
 * The pairs come in the order of their scenes. Deterministic: the same images give the same pairs.
 */
export function pairImages(images: readonly PairableImage[], count: number = DEFAULT_PAIRS): ImagePair[] {
  const ordered = [...images].sort((a, b) => a.uploadedAt - b.uploadedAt || compare(a.id, b.id));
  const rooms = new Map<string, PairableImage[]>();
  for (const image of ordered) {
    const room = roomOf(image.tags).toLowerCase();
    rooms.set(room, [...(rooms.get(room) ?? []), image]);
  }
  let pairs = [...rooms.values()].flatMap((room) => pairUp(room));
  if (pairs.length === 0) pairs = pairUp(ordered);
  const known = pairs
    .filter((pair) => sceneForRoom(pair.room) !== undefined)
    .sort((a, b) => a.turn - b.turn || knownScene(a).number - knownScene(b).number);
  const unknown = pairs.filter((pair) => sceneForRoom(pair.room) === undefined).sort((a, b) => a.turn - b.turn);

  const taken = new Set(known.map((pair) => knownScene(pair).number));
  const free = SCENE_SET_A.filter((scene) => !taken.has(scene.number));
  const deal = [...free, ...SCENE_SET_A];
  const placed = [
    ...known.map((pair) => ({ pair, scene: knownScene(pair), cycle: 0 })),
    ...unknown.map((pair, index) => ({ pair, ...dealt(deal, free.length, index) })),
  ];
  const inSceneOrder = (a: (typeof placed)[number], b: (typeof placed)[number]): number =>
    a.cycle - b.cycle || a.scene.number - b.scene.number || a.pair.turn - b.pair.turn;
  return placed
    .sort((a, b) => a.pair.turn - b.pair.turn || inSceneOrder(a, b))
    .slice(0, count)
    .sort(inSceneOrder)
    .map(({ pair: { firstImageId, lastImageId, room }, scene }) => ({ firstImageId, lastImageId, room, scene }));
}

/** The scene for the nth pair of unknown rooms: free scenes first (cycle 0), then all of them again and again. */
function dealt(deal: readonly Scene[], freeScenes: number, index: number): { scene: Scene; cycle: number } {
  const beyond = index - freeScenes;
  const scene = beyond < 0 ? deal[index] : SCENE_SET_A[beyond % SCENE_SET_A.length];
  if (scene === undefined) throw new RangeError(`no scene for pair ${index}`);
  return { scene, cycle: beyond < 0 ? 0 : 1 + Math.floor(beyond / SCENE_SET_A.length) };
}

function pairUp(room: readonly PairableImage[]): RoomPair[] {
  const pairs: RoomPair[] = [];
  for (let i = 0; i + 1 < room.length; i += 2) {
    const [first, last] = [room[i], room[i + 1]];
    if (first === undefined || last === undefined) break;
    pairs.push({ firstImageId: first.id, lastImageId: last.id, room: roomOf(first.tags), turn: i / 2 });
  }
  return pairs;
}

function knownScene(pair: RoomPair): Scene {
  const scene = sceneForRoom(pair.room);
  if (scene === undefined) throw new RangeError(`no scene shows ${JSON.stringify(pair.room)}`);
  return scene;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

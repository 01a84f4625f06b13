import { expect, it } from 'vitest';
import { SCENE_SET_A, sceneForRoom } from './scenes.js';

it('has seven scenes, numbered in the order of the video, each with its texts', () => {
  expect(SCENE_SET_A.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  for (const { prompt, music, tags } of SCENE_SET_A) expect([prompt, music, ...tags].every(Boolean)).toBe(true);
});

it.each([
  ['Pool', 1],
  ['exterior', 1],
  ['Bedroom 1', 2],
  ['Primary Bedroom', 2],
  ['Bathroom', 3],
  ['Shower', 4],
  ['Living', 5],
  ['Living Room', 5],
  ['Kitchen', 6],
  ['Dining Room', 6],
  ['Deck', 7],
  ['Attic', undefined],
  ['', undefined],
  ['42', undefined],
])('shows %j in scene %s', (room, number) => expect(sceneForRoom(room)?.number).toBe(number));

import { describe, expect, it } from 'vitest';
import { type PairableImage, pairImages, pairPrompt, roomOf } from './pairing.js';
import { SCENE_SET_A } from './scenes.js';

let clock = 0;
function images(...tags: (string | undefined)[]): PairableImage[] {
  return tags.map((tag, index) => {
    clock += 1;
    return { id: `${tag ?? 'none'}#${index}`, tags: tag === undefined ? [] : [tag, 'sunny'], uploadedAt: clock };
  });
}

const told = (list: ReturnType<typeof pairImages>): string[] =>
  list.map(({ scene, firstImageId, lastImageId }) => `${scene.number}: ${firstImageId} -> ${lastImageId}`);

describe('roomOf', () => {
  it.each([
    [['Bedroom 1 2', 'sunny'], 'Bedroom 1'],
    [['Kitchen 2'], 'Kitchen'],
    [['Pool'], 'Pool'],
    [[' Living Room 12 '], 'Living Room'],
    [[], ''],
  ])('of %j is %j', (tags, room) => expect(roomOf(tags)).toBe(room));
});

describe('pairImages', () => {
  it('pairs within rooms and orders the pairs by the scene that shows the room', () => {
    const pairs = pairImages(images('Kitchen 1', 'Bedroom 1', 'Pool 1', 'Kitchen 2', 'Pool 2', 'Bedroom 2'));
    expect(told(pairs)).toEqual([
      '1: Pool 1#2 -> Pool 2#4',
      '2: Bedroom 1#1 -> Bedroom 2#5',
      '6: Kitchen 1#0 -> Kitchen 2#3',
    ]);
  });

  it('gives the same pairs whatever order the images come in', () => {
    const all = images('Kitchen 1', 'Bedroom 1', 'Pool 1', 'Kitchen 2', 'Pool 2', 'Bedroom 2', 'Attic', 'Attic');
    expect(pairImages(all.toReversed())).toEqual(pairImages(all));
  });

  it('gives unknown rooms the free scenes in order, and starts over when none is free', () => {
    const rooms = ['Pool', 'Attic', 'Cellar', 'Garage', 'Stable', 'Tower', 'Dungeon', 'Moat', 'Keep'];
    const pairs = pairImages(images(...rooms.flatMap((room) => [room, room])), 20);
    expect(pairs.map(({ room, scene }) => [room, scene.number])).toEqual([
      ['Pool', 1],
      ['Attic', 2],
      ['Cellar', 3],
      ['Garage', 4],
      ['Stable', 5],
      ['Tower', 6],
      ['Dungeon', 7],
      ['Moat', 1],
      ['Keep', 2],
    ]);
  });

  it('leaves out rooms with one image while any room has two', () => {
    expect(told(pairImages(images('Kitchen', 'Pool', 'Pool')))).toEqual(['1: Pool#1 -> Pool#2']);
  });

  it('pairs single images across rooms when there is nothing else', () => {
    expect(told(pairImages(images('Kitchen', 'Pool')))).toEqual(['6: Kitchen#0 -> Pool#1']);
  });

  it('gives every room its first pair before any room gets a second', () => {
    const pairs = pairImages(images('Pool', 'Pool', 'Pool', 'Pool', 'Kitchen', 'Kitchen'), 2);
    expect(pairs.map(({ room }) => room)).toEqual(['Pool', 'Kitchen']);
  });

  it('makes seven pairs unless told otherwise, and never more than there are', () => {
    const many = images(...Array.from({ length: 40 }, () => 'Kitchen'));
    expect(pairImages(many)).toHaveLength(7);
    expect(pairImages(many, 100)).toHaveLength(20);
    expect(pairImages(images('Kitchen'))).toEqual([]);
  });

  it('works without any tags', () => {
    const pairs = pairImages(images(undefined, undefined, undefined, undefined));
    expect(told(pairs)).toEqual(['1: none#0 -> none#1', '2: none#2 -> none#3']);
  });

  it('tells the model the name of a room that its scene was not made for', () => {
    const [attic] = pairImages(images('Attic', 'Attic'));
    const [pool] = pairImages(images('Pool', 'Pool'));
    expect(attic && pairPrompt(attic)).toContain('Attic');
    expect(pool && pairPrompt(pool)).toBe(SCENE_SET_A[0]?.prompt);
  });
});

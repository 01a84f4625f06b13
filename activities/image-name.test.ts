import { expect, it } from 'vitest';
import { nameOfImage } from './image-name.js';

it.each([
  ['https://example.com/photos/pool.jpg?size=5#x', 'pool.jpg'],
  ['https://example.com/The%20pool.jpg', 'The pool.jpg'],
  ['https://example.com/caf%C3%A9', 'café'],
  ['https://example.com/100%.jpg', '100%.jpg'],
  ['https://example.com/a%00b%0A.jpg', 'ab.jpg'],
  ['https://example.com/', 'image'],
  ['https://example.com', 'image'],
  ['https://example.com/photos/', 'image'],
  ['https://example.com/%20', 'image'],
  [`https://example.com/${'a'.repeat(300)}`, 'a'.repeat(200)],
])('calls the image at %s %s', (address, name) => {
  expect(nameOfImage(address)).toBe(name);
});

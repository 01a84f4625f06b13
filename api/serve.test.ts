import Koa from 'koa';
import { describe, expect, test } from 'vitest';
import type { ApiState } from './context.js';
import { serve } from './serve.js';

/** A server whose one route answers when the test says so. */
async function slowServer() {
  const app = new Koa<ApiState>();
  let answer: () => void = () => undefined;
  const asked = new Promise<void>((begun) => {
    app.use(async (ctx) => {
      begun();
      await new Promise<void>((done) => (answer = done));
      ctx.body = 'done';
    });
  });
  let background: () => void = () => undefined;
  const idle = new Promise<void>((done) => (background = done));
  app.on('error', () => undefined);
  const server = await serve({ app, idle: () => idle }, { host: '127.0.0.1', port: 0 });
  return { server, asked, answer: () => answer(), finishBackground: () => background() };
}

describe('a stopping server', () => {
  test('takes no new connection, finishes the request under way, and waits for what outlives it', async () => {
    const { server, asked, answer, finishBackground } = await slowServer();
    const response = fetch(server.url);
    await asked;
    let stopped = false;
    const stop = server.stop(60_000).then(() => (stopped = true));
    await expect(fetch(server.url)).rejects.toThrow();
    answer();
    expect(await (await response).text()).toBe('done');
    expect(stopped).toBe(false);
    finishBackground();
    await stop;
    expect(stopped).toBe(true);
  });

  test('cuts a request that does not end within the grace', async () => {
    const { server, asked, finishBackground } = await slowServer();
    finishBackground();
    const response = fetch(server.url).catch((error: unknown) => error);
    await asked;
    await server.stop(1);
    expect(await response).toBeInstanceOf(TypeError);
  });
});

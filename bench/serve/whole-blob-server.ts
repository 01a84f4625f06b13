/** The predecessor's way: a video is read into memory whole, then sent. A process of its own, beside the same table. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });

const server = createServer((req, res) => {
  wholeBlob(req.url?.slice(1) ?? '').then(
    (bytes) => res.writeHead(200, { 'Content-Type': 'video/mp4', 'Content-Length': bytes.length }).end(bytes),
    (error: unknown) => res.writeHead(500).end(String(error)),
  );
});

async function wholeBlob(id: string): Promise<Buffer> {
  const text = 'SELECT data FROM blob_chunks WHERE blob_id = $1 ORDER BY n';
  const { rows } = await pool.query<{ data: Buffer }>(text, [id]);
  return Buffer.concat(rows.map(({ data }) => data));
}

server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));

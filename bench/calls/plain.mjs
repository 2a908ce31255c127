// (a) What one writes by hand: a plain ws server that echoes each frame of audio.
import './probe.mjs';
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.event === 'stop') socket.close();
    if (message.event !== 'media') return;
    const audio = Buffer.from(message.media.payload, 'base64');
    const payload = audio.toString('base64');
    socket.send(JSON.stringify({ event: 'media', stream_id: message.stream_id, media: { payload } }));
  });
});
server.on('listening', () => process.send({ ready: server.address().port }));

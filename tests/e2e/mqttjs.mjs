// MQTT.js against the gate: log in, subscribe, publish QoS 2 to oneself, take leave. Prints what came back.
// usage: node mqttjs.mjs URL CA_FILE PROTOCOL_VERSION USER PASSWORD
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// require(), because import does not look into NODE_PATH.
const mqtt = createRequire(import.meta.url)('mqtt');
const [url, caFile, protocolVersion, username, password] = process.argv.slice(2);

const client = mqtt.connect(url, {
  ca: readFileSync(caFile),
  protocolVersion: Number(protocolVersion),
  username,
  password,
  clientId: 'mqttjs',
  reconnectPeriod: 0,
});
client.on('error', (error) => {
  console.error(`${error.name}: ${error.message} code=${error.code}`);
  process.exitCode = 1;
  client.end(true);
});
client.on('message', (topic, payload, packet) => {
  console.log(`${topic} qos=${packet.qos} ${payload}`);
});
// Left from within 'message', it would send its PUBCOMP behind its DISCONNECT, which no client may.
client.on('packetsend', (packet) => {
  if (packet.cmd === 'pubcomp') setImmediate(() => client.end());
});
client.on('connect', async () => {
  const [grant] = await client.subscribeAsync('mqttjs/#', { qos: 2 });
  console.log(`granted ${grant.qos}`);
  await client.publishAsync('mqttjs/echo', 'there and back', { qos: 2 });
});

// Reads MQTT with the npm package mqtt-packet, in the words of reading.hpp: a child process that answers question by question.
//
// On standard input, all numbers 32 bits, big endian: the size of a question, then for each stream of it the protocol level as
// one byte, the size, the bytes. On standard output: the size of the answer, then for each stream the size and the text of its
// reading: a line for each packet, and a last one that says how the stream ends. Ends with its input.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.argv[2], 'here.js'))
const mqttPacket = require('mqtt-packet')
const ids = require('mqtt-packet/constants').properties

const hex = (value, digits) => value.toString(16).padStart(digits, '0')
const isPlain = (byte) => byte >= 0x20 && byte <= 0x7e && byte !== 0x22 && byte !== 0x5c
const quoted = (text) =>
  `"${[...Buffer.from(text)].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `\\x${hex(byte, 2)}`)).join('')}"`

function fingerprint(bytes) {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return `${bytes.length}:${hex(hash >>> 0, 8)}`
}

function entriesOf(name, value) {
  if (name === 'userProperties') {
    return Object.keys(value).flatMap((key) =>
      [value[key]].flat().map((each) => ({ id: ids[name], key, words: `${quoted(key)}=${quoted(each)}` })))
  }
  return [value].flat().map((each) => {
    const isText = typeof each === 'string' || Buffer.isBuffer(each)
    return { id: ids[name], key: '', words: isText ? quoted(each) : `${Number(each)}` }
  })
}

function properties(packet) {
  const entries = Object.entries(packet.properties ?? {}).flatMap(([name, value]) => entriesOf(name, value))
  entries.sort((a, b) => a.id - b.id || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
  return `{${entries.map((entry) => `${entry.id}=${entry.words}`).join(' ')}}`
}

const bit = (value) => (value ? 1 : 0)
const options = (each) => each.qos | bit(each.nl) << 2 | bit(each.rap) << 3 | (each.rh ?? 0) << 4
const acknowledgement = (p) => `${p.cmd} id=${p.messageId} code=${p.reasonCode ?? 0} ${properties(p)}`
const granted = (p) => [`${p.cmd} id=${p.messageId} ${properties(p)}`, ...(p.granted ?? [])].join(' ')
const withReason = (p) => `${p.cmd} code=${p.reasonCode ?? 0} ${properties(p)}`

function connect(p) {
  let line = `connect level=${p.protocolVersion} bridge=${bit(p.bridgeMode)} clean=${bit(p.clean)} ` +
    `keep_alive=${p.keepalive} ${properties(p)} id=${quoted(p.clientId)}`
  if (p.will) {
    line += ` will qos=${p.will.qos} retain=${bit(p.will.retain)} ${properties(p.will)} topic=${quoted(p.will.topic)} ` +
      `payload=${fingerprint(p.will.payload)}`
  }
  if (p.username !== undefined) line += ` user=${quoted(p.username)}`
  if (p.password !== undefined) line += ` password=${quoted(p.password)}`
  return line
}

const words = {
  connect,
  connack: (p) => `connack present=${bit(p.sessionPresent)} code=${p.reasonCode ?? p.returnCode} ${properties(p)}`,
  publish: (p, topic) => `publish dup=${bit(p.dup)} qos=${p.qos} retain=${bit(p.retain)} topic=${quoted(topic)} ` +
    `id=${p.messageId ?? 0} ${properties(p)} payload=${fingerprint(p.payload)}`,
  puback: acknowledgement,
  pubrec: acknowledgement,
  pubrel: acknowledgement,
  pubcomp: acknowledgement,
  subscribe: (p) =>
    [`subscribe id=${p.messageId} ${properties(p)}`, ...p.subscriptions.map((each) => `${quoted(each.topic)}=${options(each)}`)]
      .join(' '),
  suback: granted,
  unsubscribe: (p) => [`unsubscribe id=${p.messageId} ${properties(p)}`, ...p.unsubscriptions.map(quoted)].join(' '),
  unsuback: granted,
  pingreq: () => 'pingreq',
  pingresp: () => 'pingresp',
  disconnect: withReason,
  auth: withReason
}

function read(level, bytes) {
  const lines = []
  const parser = mqttPacket.parser({ protocolVersion: level })
  const aliases = new Map()
  let end
  // The topic that a message is for: an alias of MQTT 5 may stand in its place.
  const topicOf = (packet) => {
    const alias = packet.properties?.topicAlias
    if (alias === undefined || packet.topic !== '') aliases.set(alias, packet.topic)
    if (!aliases.has(alias)) end ??= `alias ${alias} stands for nothing`
    return aliases.get(alias) ?? ''
  }
  parser.on('packet', (packet) => {
    // A payload is whatever is left; everywhere else bytes that no field has taken are bytes too many.
    const left = packet.cmd === 'publish' ? 0 : packet.length - parser._pos
    if (left !== 0) end ??= `${left} bytes behind the last field of ${packet.cmd}`
    lines.push(words[packet.cmd](packet, packet.cmd === 'publish' ? topicOf(packet) : ''))
  })
  parser.on('error', (error) => { end ??= error.message })
  try {
    parser.parse(bytes)
  } catch (error) {
    end ??= `thrown: ${error.message}`
  }
  const isBetweenPackets = parser._stateCounter === 0 && parser._list.length === 0
  return [...lines, end ?? (isBetweenPackets ? 'whole' : 'cut')].join('\n')
}

function take(size) {
  const buffer = Buffer.alloc(size)
  for (let at = 0; at < size;) {
    const count = fs.readSync(0, buffer, at, size - at, null)
    if (count === 0) process.exit(0)
    at += count
  }
  return buffer
}

function give(buffer) {
  for (let at = 0; at < buffer.length;) at += fs.writeSync(1, buffer, at)
}

function sized(buffer) {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(buffer.length)
  return Buffer.concat([size, buffer])
}

for (;;) {
  const question = take(take(4).readUInt32BE())
  const answers = []
  for (let at = 0; at < question.length;) {
    const size = question.readUInt32BE(at + 1)
    answers.push(sized(Buffer.from(read(question[at], question.subarray(at + 5, at + 5 + size)))))
    at += 5 + size
  }
  give(sized(Buffer.concat(answers)))
}

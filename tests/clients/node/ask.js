// KafkaJS with its client of the schema registry: asks for the square of a googol.
//
//     node ask.js none gzip
//
// Asks once for each named codec, and prints each reply as a line of JSON. KafkaJS itself has gzip;
// the other codecs are packages of their own.

const { randomUUID } = require('node:crypto')
const { CompressionTypes, Kafka, logLevel } = require('kafkajs')
const { SchemaRegistry } = require('@kafkajs/confluent-schema-registry')

const {
  ABACUS_KAFKA_BOOTSTRAP = '127.0.0.1:9092',
  ABACUS_REGISTRY_URL = 'http://127.0.0.1:8081/apis/ccompat/v7',
  ABACUS_REQUEST_TOPIC = 'abacus.compute.requested.v1',
  ABACUS_REPLY_TOPIC = 'abacus.replies.example',
} = process.env
const TIMEOUT = 30_000 // milliseconds
const CODECS = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP }

const GOOGOL = '1' + '0'.repeat(100)

const kafka = new Kafka({ brokers: [ABACUS_KAFKA_BOOTSTRAP], logLevel: logLevel.WARN })
const registry = new SchemaRegistry({ host: ABACUS_REGISTRY_URL })
const waiting = new Map()

async function ask(producer, codec) {
  const request = {
    request_id: randomUUID(),
    operation: 'pow',
    operands: { base: GOOGOL, exponent: '2' },
    requester: null,
    source: 'node',
    requested_at: Date.now() * 1000, // microseconds
  }
  const schemaId = await registry.getLatestSchemaId(`${ABACUS_REQUEST_TOPIC}-value`)
  const value = await registry.encode(schemaId, request)
  const correlationId = randomUUID()
  const headers = { 'correlation-id': correlationId, 'reply-topic': ABACUS_REPLY_TOPIC }
  const reply = new Promise((resolve) => waiting.set(correlationId, resolve))
  await producer.send({
    topic: ABACUS_REQUEST_TOPIC,
    compression: CODECS[codec],
    messages: [{ key: request.request_id, value, headers }],
  })
  return registry.decode(await reply)
}

// A consumer of KafkaJS needs a group, whose first position is known only after a fetch. The
// position is therefore set before the first request.
async function follow(consumer) {
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(ABACUS_REPLY_TOPIC)
  await admin.disconnect()
  await consumer.connect()
  await consumer.subscribe({ topic: ABACUS_REPLY_TOPIC })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const correlationId = message.headers['correlation-id']?.toString()
      waiting.get(correlationId)?.(message.value)
    },
  })
  for (const { partition, high } of ends) {
    consumer.seek({ topic: ABACUS_REPLY_TOPIC, partition, offset: high })
  }
}

async function main(codecs) {
  const consumer = kafka.consumer({ groupId: `node-${randomUUID()}` })
  const producer = kafka.producer({ idempotent: true })
  await follow(consumer)
  await producer.connect()
  for (const codec of codecs) {
    console.log(JSON.stringify(await ask(producer, codec)))
  }
  await Promise.all([producer.disconnect(), consumer.disconnect()])
}

setTimeout(() => {
  console.error(`no reply within ${TIMEOUT} ms`)
  process.exit(1)
}, TIMEOUT).unref()
const codecs = process.argv.slice(2)
main(codecs.length > 0 ? codecs : ['none']).catch((error) => {
  console.error(error)
  process.exit(1)
})

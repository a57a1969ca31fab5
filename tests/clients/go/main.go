// Command ask uses franz-go: it asks for the square of a googol.
//
//	ask none gzip snappy lz4 zstd
//
// It asks once for each named codec, and prints each reply as a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

var (
	bootstrap    = setting("ABACUS_KAFKA_BOOTSTRAP", "127.0.0.1:9092")
	registryURL  = setting("ABACUS_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7")
	requestTopic = setting("ABACUS_REQUEST_TOPIC", "abacus.compute.requested.v1")
	replyTopic   = setting("ABACUS_REPLY_TOPIC", "abacus.replies.example")
	googol       = "1" + strings.Repeat("0", 100)
)

const timeout = 30 * time.Second

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// computeRequested is the event of schemas/avsc/ComputeRequested.avsc.
type computeRequested struct {
	RequestID   string            `avro:"request_id"`
	Operation   string            `avro:"operation"`
	Operands    map[string]string `avro:"operands"`
	Requester   *string           `avro:"requester"`
	Source      string            `avro:"source"`
	RequestedAt time.Time         `avro:"requested_at"`
}

func main() {
	names := os.Args[1:]
	if len(names) == 0 {
		names = []string{"none"}
	}
	registry, err := sr.NewClient(sr.URLs(registryURL))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		reply, err := ask(ctx, registry, codecs[name])
		cancel()
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		line, err := json.Marshal(reply)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
}

// ask asks with a producer of this codec, and returns the reply.
func ask(ctx context.Context, registry *sr.Client, codec kgo.CompressionCodec) (any, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.ProducerBatchCompression(codec),
		// All partitions of the topic, without a group, from just before the request.
		kgo.ConsumeTopics(replyTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AfterMilli(time.Now().Add(-time.Second).UnixMilli())),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	request := computeRequested{
		RequestID:   uuid.NewString(),
		Operation:   "pow",
		Operands:    map[string]string{"base": googol, "exponent": "2"},
		Source:      "go",
		RequestedAt: time.Now(),
	}
	value, err := encode(ctx, registry, request)
	if err != nil {
		return nil, err
	}
	correlationID := uuid.NewString()
	record := &kgo.Record{
		Topic: requestTopic,
		Key:   []byte(request.RequestID),
		Value: value,
		Headers: []kgo.RecordHeader{
			{Key: "correlation-id", Value: []byte(correlationID)},
			{Key: "reply-topic", Value: []byte(replyTopic)},
		},
	}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return nil, err
	}
	value, err = waitForReply(ctx, client, correlationID)
	if err != nil {
		return nil, err
	}
	return decode(ctx, registry, value)
}

func waitForReply(ctx context.Context, client *kgo.Client, correlationID string) ([]byte, error) {
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, record := range fetches.Records() {
			for _, header := range record.Headers {
				if header.Key == "correlation-id" && string(header.Value) == correlationID {
					return record.Value, nil
				}
			}
		}
	}
}

// encode writes the Confluent wire format, with the latest schema of the topic.
func encode(ctx context.Context, registry *sr.Client, request computeRequested) ([]byte, error) {
	latest, err := registry.SchemaByVersion(ctx, requestTopic+"-value", -1)
	if err != nil {
		return nil, err
	}
	schema, err := avro.Parse(latest.Schema.Schema)
	if err != nil {
		return nil, err
	}
	event, err := avro.Marshal(schema, request)
	if err != nil {
		return nil, err
	}
	header, err := new(sr.ConfluentHeader).AppendEncode(nil, latest.ID, nil)
	return append(header, event...), err
}

// decode reads an event with the schema of its writer.
func decode(ctx context.Context, registry *sr.Client, value []byte) (event any, err error) {
	id, encoded, err := new(sr.ConfluentHeader).DecodeID(value)
	if err != nil {
		return nil, err
	}
	written, err := registry.SchemaByID(ctx, id)
	if err != nil {
		return nil, err
	}
	schema, err := avro.Parse(written.Schema)
	if err != nil {
		return nil, err
	}
	err = avro.Unmarshal(schema, encoded, &event)
	return event, err
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

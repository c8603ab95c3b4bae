// A closed loop of unary gRPC calls from gRPC's library for Go, as `load grpc` makes them.
//
//	go_client TARGET PATH REQUEST_FILE OUTSTANDING SECONDS
//
// Prints one JSON object: calls a second, and latencies in microseconds. An error ends it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Before the calls that count.
const warmUp = 300 * time.Millisecond

// raw passes messages through as bytes.
type raw struct{}

func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = slices.Clone(data)
	return nil
}

func (raw) Name() string { return "proto" }

func main() {
	if len(os.Args) != 6 {
		log.Fatal("go_client TARGET PATH REQUEST_FILE OUTSTANDING SECONDS")
	}
	target, path := os.Args[1], os.Args[2]
	request, err := os.ReadFile(os.Args[3])
	check(err)
	outstanding, err := strconv.Atoi(os.Args[4])
	check(err)
	seconds, err := strconv.ParseFloat(os.Args[5], 64)
	check(err)
	connection, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})),
		grpc.WithNoProxy())
	check(err)

	warm := time.Now().Add(warmUp)
	length := time.Duration(seconds * float64(time.Second))
	end := warm.Add(length)
	var all []time.Duration
	var lock sync.Mutex
	var callers sync.WaitGroup
	for range outstanding {
		callers.Go(func() {
			var own []time.Duration
			for {
				begin := time.Now()
				if !begin.Before(end) {
					break
				}
				var reply []byte
				check(connection.Invoke(context.Background(), path, &request, &reply))
				if !begin.Before(warm) {
					own = append(own, time.Since(begin))
				}
			}
			lock.Lock()
			all = append(all, own...)
			lock.Unlock()
		})
	}
	callers.Wait()
	if len(all) == 0 {
		log.Fatal("no call was answered")
	}
	slices.Sort(all)
	at := func(part float64) float64 {
		index := min(int(part*float64(len(all))), len(all)-1)
		return float64(all[index].Nanoseconds()) / 1e3
	}
	fmt.Printf("{\"calls\": %d, \"rate\": %.0f, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f}\n",
		len(all), float64(len(all))/length.Seconds(), at(0.5), at(0.9), at(0.99))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

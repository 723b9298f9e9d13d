// A common Go server for long polls. It has a channel and a timer per waiter, and a list of
// notifications for late clients.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const waitFor = 30 * time.Second

type topic struct {
	sync.Mutex
	published [][]byte
	polls     map[chan []byte]struct{}
	streams   map[chan []byte]struct{}
}

var (
	mutex  sync.Mutex
	topics = map[string]*topic{}
)

func topicOf(request *http.Request) *topic {
	name := request.URL.Query().Get("topic")
	mutex.Lock()
	defer mutex.Unlock()
	if topics[name] == nil {
		topics[name] = &topic{polls: map[chan []byte]struct{}{}, streams: map[chan []byte]struct{}{}}
	}
	return topics[name]
}

func page(notifications [][]byte, cursor int) []byte {
	return []byte(fmt.Sprintf(`{"notifications":[%s],"cursor":"%036d","more":false}`, bytes.Join(notifications, []byte(",")), cursor))
}

func answer(response http.ResponseWriter, body []byte) {
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Content-Length", strconv.Itoa(len(body)))
	response.Write(body)
}

func poll(response http.ResponseWriter, request *http.Request) {
	topic := topicOf(request)
	topic.Lock()
	cursor, err := strconv.Atoi(request.URL.Query().Get("cursor"))
	if err == nil && cursor < len(topic.published) {
		body := page(topic.published[cursor:], len(topic.published))
		topic.Unlock()
		answer(response, body)
		return
	}
	news := make(chan []byte, 1)
	topic.polls[news] = struct{}{}
	head := len(topic.published)
	topic.Unlock()
	timer := time.NewTimer(waitFor)
	defer timer.Stop()
	select {
	case body := <-news:
		answer(response, body)
		return
	case <-timer.C:
		answer(response, page(nil, head))
	case <-request.Context().Done():
	}
	topic.Lock()
	delete(topic.polls, news)
	topic.Unlock()
}

func stream(response http.ResponseWriter, request *http.Request) {
	topic := topicOf(request)
	news := make(chan []byte, 256)
	topic.Lock()
	topic.streams[news] = struct{}{}
	topic.Unlock()
	defer func() {
		topic.Lock()
		delete(topic.streams, news)
		topic.Unlock()
	}()
	response.Header().Set("Content-Type", "text/event-stream")
	flusher := response.(http.Flusher)
	io.WriteString(response, ":\n\n")
	flusher.Flush()
	for {
		select {
		case block := <-news:
			response.Write(block)
			flusher.Flush()
		case <-request.Context().Done():
			return
		}
	}
}

func publish(response http.ResponseWriter, request *http.Request) {
	notification, _ := io.ReadAll(request.Body)
	topic := topicOf(request)
	topic.Lock()
	defer topic.Unlock()
	topic.published = append(topic.published, notification)
	head := len(topic.published)
	body := page([][]byte{notification}, head)
	for news := range topic.polls {
		news <- body
	}
	topic.polls = map[chan []byte]struct{}{}
	block := []byte(fmt.Sprintf("id: %d\ndata: %s\n\n", head, notification))
	for news := range topic.streams {
		news <- block
	}
}

func main() {
	http.HandleFunc("/notifications", func(response http.ResponseWriter, request *http.Request) {
		if request.Header.Get("Accept") == "text/event-stream" {
			stream(response, request)
		} else {
			poll(response, request)
		}
	})
	http.HandleFunc("/publish", publish)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, nil))
}

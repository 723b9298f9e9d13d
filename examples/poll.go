// Long-polls a feed, and prints each notification as JSON: poll URL [CURSOR]
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

type page struct {
	Notifications []json.RawMessage `json:"notifications"`
	Cursor        string            `json:"cursor"`
	Gap           *struct {
		Reason string `json:"reason"`
	} `json:"gap"`
}

// Longer than the longest wait that a server holds a request.
var client = &http.Client{Timeout: 60 * time.Second}

func main() {
	feed, err := url.Parse(os.Args[1])
	if err != nil {
		panic(err)
	}
	cursor := ""
	if len(os.Args) > 2 {
		cursor = os.Args[2]
	}
	for failures := 0; ; {
		next, pause, err := read(*feed, cursor)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if next == nil {
			if pause == 0 {
				failures++
				pause = time.Duration(rand.Float64() * float64(backoff(failures)))
			}
			time.Sleep(pause)
			continue
		}
		failures = 0
		if next.Gap != nil {
			fmt.Fprintln(os.Stderr, "some notifications are lost:", next.Gap.Reason)
		}
		for _, notification := range next.Notifications {
			fmt.Println(string(notification))
		}
		cursor = next.Cursor
	}
}

// read sends one request. Without a page, it returns the server's pause, or 0 if there is none.
// An error means that a retry does not help.
func read(feed url.URL, cursor string) (*page, time.Duration, error) {
	query := feed.Query()
	if cursor == "" {
		// The first request only gets the current cursor, so it does not wait.
		query.Set("wait", "0")
	} else {
		query.Set("cursor", cursor)
	}
	feed.RawQuery = query.Encode()
	response, err := client.Get(feed.String())
	if err != nil {
		return nil, 0, nil
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return nil, time.Duration(seconds) * time.Second, nil
	case response.StatusCode != http.StatusOK:
		return nil, 0, fmt.Errorf("status %d, %s", response.StatusCode, response.Header.Get("Notifications-Error"))
	}
	next := new(page)
	if json.NewDecoder(response.Body).Decode(next) != nil {
		return nil, 0, nil
	}
	return next, 0, nil
}

func backoff(failures int) time.Duration {
	longest := 30 * time.Second
	if failures > 6 {
		return longest
	}
	return 250 * time.Millisecond << failures
}

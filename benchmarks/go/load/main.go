// load: closed- and open-loop generator for admission webhooks. One JSON line on stdout.
//
//	load -url https://127.0.0.1:1/p -ca ca.crt -corpus DIR -mode closed|open|verify -conc 16 -rate 100 -d 5s -warm 500ms -http 1|2 [-pool] -pid PID[,PID]
//
// Open loop: constant arrivals; latency runs from the SCHEDULED instant, so a stalled server is
// charged for the queue. CPU and RSS are of the pid and all its descendants. foreign0 = share of
// core 0 used by others than the subject. With -fresh, every "00000000" in a body is another number
// in each request, so that no answer can be a remembered one.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type item struct {
	name string
	body []byte
	raw  []byte // whole HTTP/1.1 request
	uid  string
	deny bool
}

var (
	fURL      = flag.String("url", "", "")
	fCA       = flag.String("ca", "", "")
	fCorpus   = flag.String("corpus", "corpus", "")
	fMode     = flag.String("mode", "closed", "closed, open or verify")
	fConc     = flag.Int("conc", 16, "connections (HTTP/1.1) or concurrent streams (HTTP/2)")
	fRate     = flag.Float64("rate", 100, "")
	fDur      = flag.Duration("d", 5*time.Second, "")
	fWarm     = flag.Duration("warm", 500*time.Millisecond, "")
	fHTTP     = flag.Int("http", 1, "")
	fPool     = flag.Bool("pool", false, "ask over whichever connection is free first and keep 25, as kube-apiserver's client does")
	fPid      = flag.String("pid", "", "")
	fName     = flag.String("name", "", "")
	fCPU      = flag.Int("cpu", 0, "core the subject is pinned to")
	fAnyV     = flag.Bool("anyverdict", false, "do not count verdict differences (for floors)")
	fSource   = flag.String("source", "", "local address to ask from")
	fDeadline = flag.Duration("deadline", 30*time.Second, "count answers that come later")
	fFresh    = flag.Bool("fresh", false, "make each request one that was never sent before")
	fRaw      = flag.String("raw", "", "append raw latencies (us, one a line) to this file")
)

const lost = 30e6 // us: what a request without an answer counts as

var (
	hole = []byte("00000000")
	// what elfgate says when it has no verdict: such an answer is neither right nor wrong
	unjudged = []byte("could not judge")
	serial   atomic.Int64
)

// fresh is the request, or a copy of it with a number that was never used before.
func fresh(b []byte) []byte {
	if !*fFresh {
		return b
	}
	return bytes.ReplaceAll(b, hole, fmt.Appendf(nil, "%08x", serial.Add(1)))
}

func die(f string, a ...any) { fmt.Fprintf(os.Stderr, f+"\n", a...); os.Exit(1) }

// ---- process accounting ----------------------------------------------------------------------
func tree(pids string) []int {
	var all []int
	kids := map[int][]int{}
	ds, _ := os.ReadDir("/proc")
	for _, d := range ds {
		p, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + d.Name() + "/stat")
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
		pp, _ := strconv.Atoi(f[1])
		kids[pp] = append(kids[pp], p)
	}
	var walk func(int)
	walk = func(p int) {
		all = append(all, p)
		for _, k := range kids[p] {
			walk(k)
		}
	}
	for _, s := range strings.Split(pids, ",") {
		if p, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
			walk(p)
		}
	}
	return all
}
func cpuOf(ps []int) (ms float64) {
	for _, p := range ps {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
		u, _ := strconv.ParseFloat(f[11], 64)
		s, _ := strconv.ParseFloat(f[12], 64)
		ms += (u + s) * 10
	}
	return
}
func rssOf(ps []int) (rss, hwm float64) { // MiB; a forked worker's shared pages count once a process
	for _, p := range ps {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p))
		for _, l := range strings.Split(string(b), "\n") {
			if f := strings.Fields(l); len(f) > 1 {
				v, _ := strconv.ParseFloat(f[1], 64)
				switch f[0] {
				case "VmRSS:":
					rss += v / 1024
				case "VmHWM:":
					hwm += v / 1024
				}
			}
		}
	}
	return
}
func coreBusy(n int) float64 { // ms busy incl. steal
	b, _ := os.ReadFile("/proc/stat")
	for _, l := range strings.Split(string(b), "\n") {
		f := strings.Fields(l)
		if len(f) > 8 && f[0] == fmt.Sprintf("cpu%d", n) {
			t := 0.0
			for _, i := range []int{1, 2, 3, 6, 7, 8} {
				v, _ := strconv.ParseFloat(f[i], 64)
				t += v
			}
			return t * 10
		}
	}
	return 0
}
func selfCPU() float64 {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e6
}

// ---- HTTP -----------------------------------------------------------------------------------
func verdict(b []byte) (allowed, ok bool) {
	i := bytes.Index(b, []byte(`"allowed"`))
	if i < 0 {
		return false, false
	}
	r := bytes.TrimLeft(b[i+9:], ": \t\n")
	if len(r) == 0 {
		return false, false
	}
	return r[0] == 't', true
}

type doer interface {
	do(it *item) ([]byte, error)
}

// HTTP/1.1: prebuilt bytes on a TLS connection, minimal response reader (Content-Length or chunked)
type h1 struct {
	u   *url.URL
	cfg *tls.Config
	c   *tls.Conn
	r   *bufio.Reader
	buf []byte

	reused, answered bool
}

func source() net.Addr {
	if *fSource == "" {
		return nil
	}
	return &net.TCPAddr{IP: net.ParseIP(*fSource)}
}

func (h *h1) connect() error {
	dialer := &net.Dialer{LocalAddr: source(), Timeout: 10 * time.Second} // its handshake included
	c, err := tls.DialWithDialer(dialer, "tcp", h.u.Host, h.cfg)
	if err != nil {
		return err
	}
	connects.Add(1)
	h.c, h.r, h.reused = c, bufio.NewReaderSize(c, 16384), false
	return nil
}
func (h *h1) do(it *item) ([]byte, error) {
	if h.c == nil {
		if err := h.connect(); err != nil {
			return nil, err
		}
	}
	b, err := h.once(it)
	if err != nil && h.reused && !h.answered { // the server has closed it meanwhile: as Go's http.Transport does
		h.c.Close()
		if err = h.connect(); err == nil {
			b, err = h.once(it)
		}
	}
	if err != nil && h.c != nil {
		h.c.Close()
		h.c = nil
	}
	h.reused = true
	return b, err
}
func (h *h1) once(it *item) ([]byte, error) {
	h.c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := h.c.Write(fresh(it.raw)); err != nil {
		return nil, err
	}
	h.answered = false
	line, err := h.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	h.answered = true
	if len(line) < 12 || string(line[9:12]) != "200" {
		return nil, fmt.Errorf("status %q", strings.TrimSpace(string(line)))
	}
	n, chunked, cl := -1, false, false
	for {
		line, err = h.r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			break
		}
		if k, v, ok := bytes.Cut(line, []byte(":")); ok {
			switch len(k) {
			case 14:
				if bytes.EqualFold(k, []byte("content-length")) {
					n, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
				}
			case 17:
				if bytes.EqualFold(k, []byte("transfer-encoding")) {
					chunked = true
				}
			case 10:
				if bytes.EqualFold(k, []byte("connection")) && bytes.EqualFold(bytes.TrimSpace(v), []byte("close")) {
					cl = true
				}
			}
		}
	}
	h.buf = h.buf[:0]
	read := func(n int) error {
		o := len(h.buf)
		h.buf = append(h.buf, make([]byte, n)...)
		_, err := io.ReadFull(h.r, h.buf[o:])
		return err
	}
	if chunked {
		for {
			line, err = h.r.ReadSlice('\n')
			if err != nil {
				return nil, err
			}
			m, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
			if err != nil {
				return nil, err
			}
			if m > 0 {
				if err = read(int(m)); err != nil {
					return nil, err
				}
			}
			if _, err = h.r.Discard(2); err != nil {
				return nil, err
			}
			if m == 0 {
				break
			}
		}
	} else if n >= 0 {
		if err = read(n); err != nil {
			return nil, err
		}
	} else {
		return nil, fmt.Errorf("no length")
	}
	if cl {
		h.c.Close()
		h.c = nil
		reconnects.Add(1)
	}
	return h.buf, nil
}

var reconnects, connects atomic.Int64

// HTTP/2: net/http's transport, one connection, as kube-apiserver does
type h2 struct {
	c *http.Client
	u string
}

func (h *h2) do(it *item) ([]byte, error) {
	rq, _ := http.NewRequest("POST", h.u, bytes.NewReader(fresh(it.body)))
	rq.Header.Set("Content-Type", "application/json")
	rs, err := h.c.Do(rq)
	if err != nil {
		return nil, err
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err == nil && rs.StatusCode != 200 {
		err = fmt.Errorf("status %d %.200s", rs.StatusCode, b)
	}
	if err == nil && rs.ProtoMajor != *fHTTP {
		err = fmt.Errorf("proto %s", rs.Proto)
	}
	return b, err
}

// pool: idle connections, the newest first, grown on demand. With -pool as net/http's transport has
// it with the idleConnsPerHost of client-go: a request for which none is idle has one made, and goes
// over whichever is free first, that one or another's; of those for which nobody waits 25 are kept.
// No more are made at a time than kube-apiserver has requests under way, which may each want one.
type pool struct {
	mu     sync.Mutex
	mk     func() doer
	idle   []doer
	waits  []chan doer
	making int
}

const (
	idleConnsPerHost = 25
	underWay         = 600 // --max-requests-inflight and --max-mutating-requests-inflight, together
)

func newPool(mk func() doer) *pool { return &pool{mk: mk} }

func (p *pool) get() doer {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		d := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return d
	}
	if !*fPool {
		p.mu.Unlock()
		return p.mk()
	}
	free := make(chan doer, 1)
	p.waits = append(p.waits, free)
	if p.making < underWay {
		p.making++
		go p.dial(free)
	}
	p.mu.Unlock()
	return <-free
}

// dial makes a connection; if that fails, the request that wanted it goes without, if it still waits.
func (p *pool) dial(free chan doer) {
	d := p.mk()
	var err error
	if h, ok := d.(*h1); ok {
		err = h.connect()
	}
	p.mu.Lock()
	p.making--
	p.mu.Unlock()
	if err != nil {
		p.fail(free, err)
	} else {
		p.put(d, true)
	}
}

func (p *pool) fail(free chan doer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, each := range p.waits {
		if each == free {
			p.waits = append(p.waits[:i:i], p.waits[i+1:]...)
			free <- failed{err}
			return
		}
	}
}

// failed: the connection that was not made.
type failed struct{ err error }

func (f failed) do(*item) ([]byte, error) { return nil, f.err }

func (p *pool) put(d doer, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, plain := d.(*h1)
	switch {
	case !ok:
	case len(p.waits) > 0:
		p.waits[0] <- d
		p.waits = p.waits[1:]
	case *fPool && plain && len(p.idle) >= idleConnsPerHost:
		if h.c != nil {
			h.c.NetConn().Close()
		}
	default:
		p.idle = append(p.idle, d)
	}
}

func main() {
	flag.Parse()
	if *fPool {
		runtime.GOMAXPROCS(2) // so that on one core, too, a request need not wait for others' handshakes to be sent
	}
	serial.Store(time.Now().UnixMicro() & 0x3fffffff) // not where a run before has begun: its answers are remembered
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(*fCA)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		die("bad CA %s %v", *fCA, err)
	}
	u, err := url.Parse(*fURL)
	if err != nil {
		die("%v", err)
	}
	items := load(u)
	cfg := &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}}
	var shared *http.Client
	if *fHTTP == 2 {
		p := new(http.Protocols)
		p.SetHTTP2(true)
		p.SetHTTP1(true)
		shared = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, Protocols: p, ForceAttemptHTTP2: true,
			DialContext: (&net.Dialer{}).DialContext, MaxIdleConnsPerHost: 1000}}
	}
	mk := func() doer {
		if shared != nil {
			return &h2{shared, *fURL}
		}
		return &h1{u: u, cfg: cfg}
	}
	if *fMode == "verify" {
		verify(items, mk())
		return
	}
	pids := tree(*fPid)
	serial.Store(time.Now().UnixMicro() & 0x3fffffff) // another run's numbers are used up
	var next, okN, errN, badN, shedN atomic.Int64
	var firstErr atomic.Value
	one := func(d doer, t0 time.Time, counts bool) (float64, bool) {
		it := &items[int(next.Add(1)-1)%len(items)]
		b, err := d.do(it)
		lat := float64(time.Since(t0).Nanoseconds()) / 1e3
		if !counts {
			return lat, err == nil
		}
		if err != nil {
			errN.Add(1)
			firstErr.CompareAndSwap(nil, err.Error())
			return lat, false
		}
		if bytes.Contains(b, unjudged) {
			shedN.Add(1)
			return lat, true
		}
		a, ok := verdict(b)
		if !ok || (!*fAnyV && a == it.deny) {
			badN.Add(1)
		}
		okN.Add(1)
		return lat, true
	}
	var lats []float64
	var wall, cpu, core0, self float64
	var lag float64
	begin := func() func() {
		okN.Store(0)
		errN.Store(0)
		badN.Store(0)
		shedN.Store(0)
		pids = tree(*fPid)
		t, c, k, s := time.Now(), cpuOf(pids), coreBusy(*fCPU), selfCPU()
		return func() {
			wall = float64(time.Since(t).Microseconds()) / 1e3
			cpu, core0, self = cpuOf(pids)-c, coreBusy(*fCPU)-k, selfCPU()-s
		}
	}
	if *fMode == "closed" {
		var stop, rec atomic.Bool
		per := make([][]float64, *fConc)
		var wg sync.WaitGroup
		for i := range *fConc {
			per[i] = make([]float64, 0, 100000)
			wg.Add(1)
			go func() {
				defer wg.Done()
				d := mk()
				for !stop.Load() {
					l, ok := one(d, time.Now(), true)
					if ok && rec.Load() {
						per[i] = append(per[i], l)
					} else if !ok {
						time.Sleep(5 * time.Millisecond)
					}
				}
			}()
		}
		time.Sleep(*fWarm)
		end := begin()
		rec.Store(true)
		time.Sleep(*fDur)
		rec.Store(false)
		n := okN.Load()
		end()
		stop.Store(true)
		wg.Wait()
		okN.Store(n)
		for _, p := range per {
			lats = append(lats, p...)
		}
	} else {
		idle := newPool(mk)
		get, put := idle.get, idle.put
		for i := 0; i < 4 && shared == nil; i++ { // open a few connections first, so that the handshake is outside
			d := mk()
			_, ok := one(d, time.Now(), false)
			put(d, ok)
		}
		gap := time.Duration(float64(time.Second) / *fRate)
		n := int(fDur.Seconds() * *fRate)
		warmN := int(fWarm.Seconds() * *fRate / 2) // the rate rises evenly until then
		lats = make([]float64, n)
		lags := make([]float64, n)
		var wg sync.WaitGroup
		var end func()
		runtime.LockOSThread()
		syscall.Syscall6(syscall.SYS_PRCTL, 29 /* PR_SET_TIMERSLACK */, 1000, 0, 0, 0, 0)
		start := time.Now().Add(10 * time.Millisecond)
		for i := -warmN; i < n; i++ {
			at := start.Add(*fWarm + time.Duration(i)*gap)
			if i < 0 {
				at = start.Add(time.Duration(float64(*fWarm) * math.Sqrt(float64(i+warmN)/float64(warmN))))
			}
			for w := time.Until(at); w > 0; w = time.Until(at) { // not time.Sleep: Go's netpoller rounds it to 1 ms
				ts := syscall.NsecToTimespec(w.Nanoseconds())
				syscall.Nanosleep(&ts, nil)
			}
			if i == 0 {
				end = begin()
			}
			if i >= 0 {
				lags[i] = float64(time.Since(at).Nanoseconds()) / 1e3
			}
			wg.Add(1)
			go func() {
				defer wg.Done()
				d := get()
				l, ok := one(d, at, i >= 0)
				if i >= 0 {
					if !ok {
						l = lost
					}
					lats[i] = l
				}
				put(d, ok)
			}()
		}
		wg.Wait()
		end()
		sort.Float64s(lags)
		lag = lags[int(float64(n)*.99)]
	}
	if *fRaw != "" {
		f, _ := os.OpenFile(*fRaw, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		w := bufio.NewWriter(f)
		for _, l := range lats {
			fmt.Fprintf(w, "%.0f\n", l)
		}
		w.Flush()
		f.Close()
	}
	sort.Float64s(lats)
	q := func(p float64) float64 {
		if len(lats) == 0 {
			return 0
		}
		i := int(float64(len(lats)) * p)
		if i >= len(lats) {
			i = len(lats) - 1
		}
		return float64(int(lats[i]))/1000 + 0
	}
	rss, hwm := rssOf(pids)
	n := float64(okN.Load())
	if *fMode == "open" {
		n = float64(len(lats)) - float64(errN.Load())
	}
	fe, _ := firstErr.Load().(string)
	late := 0
	for _, l := range lats {
		if l > float64(fDeadline.Microseconds()) && l < lost {
			late++
		}
	}
	out := map[string]any{"name": *fName, "mode": *fMode, "http": *fHTTP, "n": n, "errors": errN.Load(), "wrong": badN.Load(), "unjudged": shedN.Load(), "late": late, "first_error": fe,
		"rps": n / wall * 1000, "cpu_ms_per_review": cpu / max(n, 1), "cpu_share": cpu / wall, "p50": q(.5), "p90": q(.9), "p99": q(.99), "p999": q(.999), "max": q(1),
		"rss_mib": rss, "hwm_mib": hwm, "gen_share": self / wall, "foreign0": (core0 - cpu) / wall, "lag99_us": lag, "reconnects": reconnects.Load(), "connects": connects.Load(), "procs": len(pids), "rate": *fRate}
	json.NewEncoder(os.Stdout).Encode(out)
}

func load(u *url.URL) []item {
	b, err := os.ReadFile(filepath.Join(*fCorpus, "expect.tsv"))
	if err != nil {
		die("%v", err)
	}
	var out []item
	path := u.RequestURI()
	for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		f := strings.Split(l, "\t")
		body, err := os.ReadFile(filepath.Join(*fCorpus, f[0]))
		if err != nil {
			die("%v", err)
		}
		var rv struct{ Request struct{ UID string } }
		json.Unmarshal(body, &rv)
		raw := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: kube-apiserver-admission\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, u.Host, len(body))
		out = append(out, item{f[0], body, append(raw, body...), rv.Request.UID, f[1] == "deny"})
	}
	return out
}

func verify(items []item, d doer) {
	bad, allow, deny, warn := 0, 0, 0, 0
	msg := ""
	for i := range items {
		b, err := d.do(&items[i])
		if err != nil {
			die("%s: %v", items[i].name, err)
		}
		var r struct {
			APIVersion, Kind string
			Response         struct {
				UID      string
				Allowed  bool
				Warnings []string
				Status   struct{ Message string }
			}
		}
		if err := json.Unmarshal(b, &r); err != nil {
			die("%s: %v in %.200s", items[i].name, err, b)
		}
		if r.Response.Allowed {
			allow++
		} else {
			deny++
			msg = r.Response.Status.Message
		}
		warn += len(r.Response.Warnings)
		if r.Response.UID != items[i].uid || r.Kind != "AdmissionReview" || (!*fAnyV && r.Response.Allowed == items[i].deny) {
			bad++
			if bad < 4 {
				fmt.Fprintf(os.Stderr, "%s want deny=%v got %.300s\n", items[i].name, items[i].deny, b)
			}
		}
	}
	fmt.Printf("%-14s allow %d deny %d warnings %d wrong %d  e.g. %q\n", *fName, allow, deny, warn, bad, msg)
	if bad > 0 {
		os.Exit(3)
	}
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/robfig/cron/v3"

	"yunjian/collector"
	"yunjian/collector/aliyun"
	"yunjian/collector/bundle"
	"yunjian/internal/config"
	"yunjian/internal/pipeline"
)

// lateness is how late CloudMonitor may show a sample: one period of five
// minutes and two minutes more.
const lateness = 7 * time.Minute

// noClouds answers a collection where none is configured.
const noClouds = "配置中没有云 | no cloud is configured: name one under `clouds`; a folder of files is read by `yunjian import`"

// newSource returns the source of a configured cloud. This is the one place
// that knows all kinds of sources.
func newSource(data *pipeline.Data, cfg config.Config, c config.Cloud, now time.Time, cadence time.Duration) (collector.Source, error) {
	switch c.Type {
	case config.TypeBundle:
		b, err := bundle.Open(c.Path)
		if err != nil {
			return nil, fmt.Errorf("open cloud %s: %w", c.Name, err)
		}
		return b.Source(c.Name), nil
	case config.TypeAliyun:
		return newAliyun(data, cfg, c, now, cadence)
	default:
		return nil, usage(fmt.Errorf("cloud %s: unknown type %q", c.Name, c.Type))
	}
}

// openBundle opens the folder that --bundle names; one that is not there is a mistake of
// the command line.
func openBundle(dir string) (*bundle.Bundle, error) {
	b, err := bundle.Open(dir)
	if info, missing := os.Stat(dir); errors.Is(missing, fs.ErrNotExist) || missing == nil && !info.IsDir() {
		return nil, usage(fmt.Errorf("--bundle %s: 没有这个文件夹 | there is no such folder", dir))
	}
	return b, err
}

// closeSource gives back what a source holds, such as idle connections.
func closeSource(src collector.Source) {
	if s, ok := src.(interface{ Close() }); ok {
		s.Close()
	}
}

func newAliyun(data *pipeline.Data, cfg config.Config, c config.Cloud, now time.Time, cadence time.Duration) (*aliyun.Source, error) {
	secrets, err := c.Credentials()
	if err != nil {
		return nil, usage(err)
	}
	used := 0
	if data != nil {
		if used, err = data.MetricCalls(c.Name, now.In(cfg.Location)); err != nil {
			return nil, err
		}
	}
	o := aliyun.Options{
		Name: c.Name, Account: c.Account, Regions: c.Regions,
		Endpoint: c.Endpoint, Endpoints: c.Endpoints,
		AccessKeyID: secrets.AccessKeyID, AccessKeySecret: secrets.AccessKeySecret, SecurityToken: secrets.SecurityToken,
		Ownership: aliyun.Ownership{
			DepartmentTag: c.Ownership.DepartmentTag, ApplicationTag: c.Ownership.ApplicationTag,
			DepartmentFromGroup: c.Ownership.DepartmentFromResourceGroup, MappingFile: c.Ownership.MappingFile,
		},
		Budget:   collector.Budget{QPS: c.Budget.QueriesPerSecond, PerMonth: c.Budget.Calls(), UsedThisMonth: used},
		Bills:    c.Bills,
		Cadence:  cadence,
		Location: cfg.Location,
		CAFile:   c.CAFile, InsecureSkipVerify: c.InsecureSkipVerify, Proxy: c.Proxy, Timeout: c.Timeout, Workers: c.Workers,
	}
	// Samples come late only while they are being made: a replay of the past
	// has them all.
	if age := time.Since(now); age < time.Hour && age > -time.Hour {
		o.Lag = lateness
	}
	if c.Apsara != nil {
		o.Apsara = &aliyun.Apsara{
			Domain: c.Apsara.Domain, Headers: c.Apsara.Headers, Query: c.Apsara.Query, Enumerate: c.Apsara.Enumerate,
			Organization: c.Apsara.OrganizationID, ResourceGroup: c.Apsara.ResourceGroupID,
		}
	}
	src, err := aliyun.New(o)
	if err != nil {
		return nil, usage(fmt.Errorf("cloud %s: %w", c.Name, err))
	}
	return src, nil
}

// cadence is the time between two runs of a schedule that the configuration has
// already found valid.
func cadence(schedule string, now time.Time) time.Duration {
	s, err := cron.ParseStandard(schedule)
	if err != nil {
		return 0
	}
	first := s.Next(now)
	return s.Next(first).Sub(first)
}

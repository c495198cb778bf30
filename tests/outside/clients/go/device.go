package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	hidden     = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	attribute  = regexp.MustCompile(`(name|value)="([^"]*)"`)
)

// answerDevice does what a person does in a browser for a device: code, account, password, yes or no.
//
// Where consent is missing, the page for it comes before the last one.
func answerDevice(uri, code string, who signIn) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Transport: client.Transport, Timeout: client.Timeout, Jar: jar}
	page, err := text(browser.Get(uri))
	typed := []map[string]string{
		{"user_code": code}, {"username": who.user}, {"passwd": facts["password"]}, {"answer": who.answer},
	}
	for _, fields := range typed {
		if err != nil {
			return err
		}
		page, err = post(browser, page, fields)
	}
	if err == nil && formAction.MatchString(page) {
		page, err = post(browser, page, map[string]string{"answer": who.answer})
	}
	if err == nil && !strings.Contains(page, "You may close this window") {
		return fmt.Errorf("the last page is %.300s", page)
	}
	return err
}

// post sends the form of a page with its hidden fields and what was typed.
func post(browser *http.Client, page string, typed map[string]string) (string, error) {
	action := formAction.FindStringSubmatch(page)
	if action == nil {
		return "", fmt.Errorf("a page without a form: %.300s", page)
	}
	fields := url.Values{}
	for _, input := range hidden.FindAllString(page, -1) {
		named := map[string]string{}
		for _, pair := range attribute.FindAllStringSubmatch(input, -1) {
			named[pair[1]] = pair[2]
		}
		fields.Set(named["name"], named["value"])
	}
	for name, value := range typed {
		fields.Set(name, value)
	}
	target := base + strings.ReplaceAll(strings.TrimPrefix(action[1], base), "&amp;", "&")
	request, err := http.NewRequest(http.MethodPost, target, strings.NewReader(fields.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("content-type", "application/x-www-form-urlencoded")
	request.Header.Set("origin", base)
	return text(browser.Do(request))
}

func text(response *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
